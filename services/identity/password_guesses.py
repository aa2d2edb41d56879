"""Estimates how many guesses a password takes, with zxcvbn's matchers, in bounded time for any password."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import product
from typing import Any

from zxcvbn import matching, scoring

Dictionaries = Mapping[str, Mapping[str, int]]
Match = dict[str, Any]

#: Characters that are estimated: the work grows with their square, and a password is not weaker than its first part.
ESTIMATED = 40

# zxcvbn's own matcher of substitutions tries every choice of one sign for each letter, hundreds for one password, and
# its matcher of repetitions does so again for each repeated part. Here every sign is read as its letter at once; these
# three have two readings, so there are at most eight.
_AMBIGUOUS = {"1": "il", "|": "il", "7": "lt"}
_LETTERS = {sign: letter for letter, signs in matching.L33T_TABLE.items() for sign in signs} | _AMBIGUOUS
_REPETITIONS = (re.compile(r"(.+?)\1+", re.DOTALL), re.compile(r"(.+)\1+", re.DOTALL))


def ranked(words: list[str]) -> Mapping[str, int]:
    """The dictionary of these words, the most likely first."""
    ranks: Mapping[str, int] = matching.build_ranked_dict(words)
    return ranks


def estimated_guesses(password: str, own: Mapping[str, int]) -> int:
    """The guesses that the first 40 characters take; `own`: words beside those of zxcvbn's lists."""
    # zxcvbn() itself stores the user's words in a global that other calls read; passing dictionaries avoids that.
    return int(_guesses(password[:ESTIMATED], {**matching.RANKED_DICTIONARIES, "user_inputs": own}))


def _guesses(password: str, dictionaries: Dictionaries) -> Any:
    matches = [
        *matching.dictionary_match(password, dictionaries),
        *matching.reverse_dictionary_match(password, dictionaries),
        *_substitutions(password, dictionaries),
        *_repetitions(password, dictionaries),
        *matching.spatial_match(password),
        *matching.sequence_match(password),
        *matching.regex_match(password),
        *matching.date_match(password),
    ]
    return scoring.most_guessable_match_sequence(password, matches)["guesses"]


def _substitutions(password: str, dictionaries: Dictionaries) -> Iterator[Match]:
    """Words with signs in place of letters, such as `p4$$w0rd`, each once."""
    seen: set[tuple[int, int, str]] = set()
    signs = sorted(_LETTERS.keys() & set(password))
    for letters in product(*(_LETTERS[sign] for sign in signs)):
        readings = dict(zip(signs, letters, strict=True))
        for match in matching.dictionary_match(password.translate(str.maketrans(readings)), dictionaries):
            token = password[match["i"] : match["j"] + 1]
            place = (match["i"], match["j"], match["matched_word"])
            if len(token) > 1 and token.lower() != match["matched_word"] and place not in seen:
                seen.add(place)
                used = {sign: letter for sign, letter in readings.items() if sign in token}
                yield {**match, "token": token, "l33t": True, "sub": used}


def _repetitions(password: str, dictionaries: Dictionaries) -> Iterator[Match]:
    """Parts that are repeated, such as `abcabc`; the repeated part is at most half of the password."""
    for pattern in _REPETITIONS:
        for found in pattern.finditer(password):
            base, whole = found[1], found[0]
            yield {
                "pattern": "repeat",
                "token": whole,
                "i": found.start(),
                "j": found.end() - 1,
                "base_guesses": _guesses(base, dictionaries),
                "repeat_count": len(whole) // len(base),
            }
