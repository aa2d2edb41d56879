"""One canonical form for each e-mail address and phone number, so that one person is one account."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

import phonenumbers
from email_validator import EmailNotValidError, validate_email
from phonenumbers import PhoneNumberFormat, PhoneNumberType

from services.errors import Invalid

#: Octets of an address that mail can be sent to (RFC 5321, section 4.5.3.1.3).
MAX_EMAIL = 254
MAX_PHONE = 40

# What a message can reach without costing the sender a premium; personal and shared-cost numbers are sold for that.
_REACHABLE = frozenset(
    {
        PhoneNumberType.MOBILE,
        PhoneNumberType.FIXED_LINE,
        PhoneNumberType.FIXED_LINE_OR_MOBILE,
        PhoneNumberType.VOIP,
        PhoneNumberType.TOLL_FREE,
    }
)
# Written together in one language, so no disguise.
_TOGETHER = dict.fromkeys(("HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA", "CJK", "HANGUL", "BOPOMOFO"), "EAST-ASIAN")


@dataclass(frozen=True)
class EmailAddress:
    """`address` is what mail is sent to (domain in ASCII), `canonical` what an account is found by."""

    address: str
    canonical: str


def email_address(text: str) -> EmailAddress:
    """Read one bare address; syntax only, no question to the DNS.

    Raises Invalid at `/email`: not one plain address, a domain that no mail can reach, or a local part that mixes
    scripts (`аnna` with a Cyrillic first letter).
    """
    if len(text) > MAX_EMAIL:
        raise Invalid(f"An e-mail address has at most {MAX_EMAIL} characters.", pointer="/email")
    plain = unicodedata.normalize("NFKC", text).strip(" ").removesuffix(".")
    try:
        found = validate_email(plain, check_deliverability=False, strict=True)
    except (EmailNotValidError, UnicodeError):
        raise Invalid("This is not an e-mail address that mail can be sent to.", pointer="/email") from None
    if len(_scripts(found.local_part)) > 1:
        raise Invalid("The part before the @ mixes alphabets: write it in one.", pointer="/email")
    domain = found.ascii_domain.lower()
    email = EmailAddress(f"{found.local_part}@{domain}", f"{_folded(found.local_part)}@{domain}")
    # The domain may be longer in ASCII than as typed.
    if max(len(email.address.encode()), len(email.canonical)) > MAX_EMAIL:
        raise Invalid(f"An e-mail address has at most {MAX_EMAIL} characters.", pointer="/email")
    return email


def phone_number(text: str, region: str) -> str:
    """The E.164 form (`+79991234567`) of a number written as people of `region` (ISO 3166-1 alpha-2) write it.

    Any script's digits do, and an extension is dropped. Raises Invalid at `/phone` for what is no number, and for
    short and premium numbers.
    """
    try:
        number = phonenumbers.parse(_international(text[: MAX_PHONE + 1]), region)
    except phonenumbers.NumberParseException:
        raise Invalid("This is not a phone number.", pointer="/phone") from None
    if len(text) > MAX_PHONE or not phonenumbers.is_valid_number(number):
        raise Invalid(
            "This is not a phone number: try the international form, with + and country code.", pointer="/phone"
        )
    if phonenumbers.number_type(number) not in _REACHABLE:
        raise Invalid("Messages are not sent to short, premium or shared-cost numbers.", pointer="/phone")
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)


def _folded(local_part: str) -> str:
    # NFKC again: lower-casing may leave a sequence that has a shorter spelling.
    return unicodedata.normalize("NFKC", local_part.lower())


def _international(text: str) -> str:
    # 00 is dialled in most countries where + is written; no national number begins with it.
    digits = "".join(str(unicodedata.decimal(char, char)) for char in text.strip())
    return "+" + digits[2:] if digits.startswith("00") else digits


def _scripts(text: str) -> set[str]:
    named = (unicodedata.name(char, "UNKNOWN").split(" ")[0] for char in text if char.isalpha())
    return {_TOGETHER.get(script, script) for script in named}
