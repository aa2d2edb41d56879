"""Which passwords are too easy to guess: no rules of composition, only how many guesses it would take."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from itertools import permutations

from zxcvbn import matching, scoring

from services.errors import Invalid, PasswordTooWeak

#: Code points (NIST SP 800-63B, section 3.1.1.2, asks for a minimum and no rules of composition).
MIN_PASSWORD = 12
MAX_PASSWORD = 128
#: zxcvbn's score 3: safe from a thief of slow hashes.
ENOUGH_GUESSES = 10**8
# As far as zxcvbn looks; a password is no weaker than its beginning.
_JUDGED = 72
# Shorter names are in every text.
_TELLING = 3

# A Russian word is mostly typed, and leaked, on one of the two layouts of one keyboard: `gfhjkm` is `пароль`.
_RUSSIAN = "ёйцукенгшщзхъфывапролджэячсмитьбю"
_ENGLISH = "`qwertyuiop[]asdfghjkl;'zxcvbnm,."
_LAYOUT = str.maketrans(_RUSSIAN + _RUSSIAN.upper(), _ENGLISH + _ENGLISH)
_COMMON_RUSSIAN = (  # noqa: SIM905 - a list of words reads better
    "пароль любовь привет солнышко наташа максим андрей марина светлана кристина анастасия александр сергей "
    "дмитрий николай владимир екатерина виктория татьяна людмила валентина алексей михаил евгений антон артем "
    "спартак зенит локомотив динамо россия москва сибирь ленинград котенок зайчик малышка красотка принцесса "
    "ангелок самсунг компьютер администратор пользователь секрет счастье радость удача деньги жизнь корова "
    "собака медведь тигренок дельфин ромашка снежинка весна осень любимая любимый мамочка бабушка"
).split()
_TRANSLITERATED = (  # noqa: SIM905
    "parol lubov lyubov privet solnyshko natasha maksim andrey andrei marina svetlana kristina anastasia "
    "aleksandr sergey sergei dmitriy nikolay vladimir ekaterina viktoria tatiana lyudmila aleksey mihail evgeniy "
    "spartak zenit lokomotiv dinamo rossiya moskva sibir leningrad kotenok zaichik malishka krasotka princessa "
    "angelok kompyuter polzovatel sekret schastye radost udacha dengi zhizn korova sobaka medved tigrenok delfin"
).split()
_KNOWN = [*(word.translate(_LAYOUT) for word in _COMMON_RUSSIAN), *_TRANSLITERATED]


def normalized(password: str) -> str:
    """One spelling of a password whichever keyboard composed its accents (RFC 8265, section 4.2: NFC)."""
    return unicodedata.normalize("NFC", password)


def require_strong(password: str, personal: Sequence[str], pointer: str = "/password") -> None:
    """Judge a new password; `personal` are words an attacker would try first (names, address).

    Raises PasswordTooWeak when it is short or easily guessed, Invalid when it is too long; both at `pointer`.
    """
    if len(password) > MAX_PASSWORD or len(normalized(password)) > MAX_PASSWORD:
        raise Invalid(f"A password has at most {MAX_PASSWORD} characters.", pointer=pointer)
    if any(unicodedata.category(char) == "Cs" or char == "\0" for char in password):
        raise Invalid("A password cannot hold this character.", pointer=pointer)
    if len(normalized(password)) < MIN_PASSWORD:
        raise PasswordTooWeak(f"A password has at least {MIN_PASSWORD} characters.", pointer=pointer)
    if _guesses(normalized(password), personal) <= ENOUGH_GUESSES:
        raise PasswordTooWeak("This password is easy to guess: take a few unrelated words.", pointer=pointer)


def _guesses(password: str, personal: Sequence[str]) -> int:
    typed = password[:_JUDGED]
    own = [word.lower() for word in personal if len(word) >= _TELLING]
    own += ["".join(pair) for pair in permutations(own, 2)]
    # Passed on, not set: zxcvbn() itself keeps the words of one person in a global where another's call finds them.
    words = matching.build_ranked_dict([*own, *(word.translate(_LAYOUT) for word in own), *_KNOWN])
    known = {**matching.RANKED_DICTIONARIES, "user_inputs": words}
    spellings = {typed, typed.translate(_LAYOUT)}
    return min(_sequence(spelling, known) for spelling in spellings)


def _sequence(password: str, known: Mapping[str, Mapping[str, int]]) -> int:
    found = scoring.most_guessable_match_sequence(password, matching.omnimatch(password, known))
    return int(found["guesses"])
