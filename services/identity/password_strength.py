"""Refuses passwords that are easy to guess: estimates the number of guesses, requires no composition."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from itertools import permutations

from services.errors import Invalid, PasswordTooWeak
from services.identity.password_guesses import estimated_guesses, ranked

#: Code points (NIST SP 800-63B, section 3.1.1.2, requires a minimum length and no composition rules).
MIN_PASSWORD = 12
MAX_PASSWORD = 128
#: zxcvbn's score 3: protects against an attacker who has the (slow) hashes.
ENOUGH_GUESSES = 10**8
# Characters. A shorter name occurs in many words.
_MIN_PERSONAL = 3

# Russian passwords are often typed, and leaked, on the Latin layout of the keyboard: `gfhjkm` is `пароль`.
_RUSSIAN = "ёйцукенгшщзхъфывапролджэячсмитьбю"
_ENGLISH = "`qwertyuiop[]asdfghjkl;'zxcvbnm,."
_LAYOUT = str.maketrans(_RUSSIAN + _RUSSIAN.upper(), _ENGLISH + _ENGLISH)
_COMMON_RUSSIAN = (  # noqa: SIM905 - one string is easier to read
    "пароль любовь привет солнышко наташа максим андрей марина светлана кристина анастасия александр сергей "
    "дмитрий николай владимир екатерина виктория татьяна людмила валентина алексей михаил евгений антон артем "
    "спартак зенит локомотив динамо россия москва сибирь ленинград котенок зайчик малышка красотка принцесса "
    "ангелок самсунг компьютер администратор пользователь секрет счастье радость удача деньги жизнь корова "
    "собака медведь тигренок дельфин ромашка снежинка весна осень любимая любимый мамочка бабушка"
).split()
_TRANSLITERATED = (  # noqa: SIM905 - one string is easier to read
    "parol lubov lyubov privet solnyshko natasha maksim andrey andrei marina svetlana kristina anastasia "
    "aleksandr sergey sergei dmitriy nikolay vladimir ekaterina viktoria tatiana lyudmila aleksey mihail evgeniy "
    "spartak zenit lokomotiv dinamo rossiya moskva sibir leningrad kotenok zaichik malishka krasotka princessa "
    "angelok kompyuter polzovatel sekret schastye radost udacha dengi zhizn korova sobaka medved tigrenok delfin"
).split()
_COMMON = [*(word.translate(_LAYOUT) for word in _COMMON_RUSSIAN), *_TRANSLITERATED]


def normalized(password: str) -> str:
    """The password in NFC, so that it does not depend on how a keyboard composes accents (RFC 8265, section 4.2)."""
    return unicodedata.normalize("NFC", password)


def personal_words(first_name: str, last_name: str, *identifiers: str | None) -> list[str]:
    """The words of a person that an attacker would try first: names, identifiers and the parts of an address."""
    known = [identifier for identifier in identifiers if identifier]
    return [first_name, last_name, *known, *(part for identifier in known for part in identifier.split("@"))]


def require_strong(password: str, personal: Sequence[str], pointer: str = "/password") -> None:
    """Check a new password; `personal`: words that an attacker would try first (see `personal_words`).

    Raises PasswordTooWeak when it is too short or easy to guess, Invalid when it is too long or has a character that
    cannot be stored; both at `pointer`.
    """
    if len(password) > MAX_PASSWORD or len(normalized(password)) > MAX_PASSWORD:
        raise Invalid(f"A password has at most {MAX_PASSWORD} characters.", pointer=pointer)
    if any(unicodedata.category(char) == "Cs" or char == "\0" for char in password):
        raise Invalid("A password cannot contain this character.", pointer=pointer)
    if len(normalized(password)) < MIN_PASSWORD:
        raise PasswordTooWeak(f"A password has at least {MIN_PASSWORD} characters.", pointer=pointer)
    if _guesses(normalized(password), personal) <= ENOUGH_GUESSES:
        raise PasswordTooWeak("This password is easy to guess: use a few unrelated words.", pointer=pointer)


def _guesses(password: str, personal: Sequence[str]) -> int:
    own = [word.lower() for word in personal if len(word) >= _MIN_PERSONAL]
    own += ["".join(pair) for pair in permutations(own, 2)]
    words = ranked([*own, *(word.translate(_LAYOUT) for word in own), *_COMMON])
    return min(estimated_guesses(variant, words) for variant in {password, password.translate(_LAYOUT)})
