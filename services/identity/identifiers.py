"""Parses e-mail addresses and phone numbers into one canonical form, so that one identifier makes one account."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

import phonenumbers
from email_validator import EmailNotValidError, validate_email
from phonenumbers import PhoneNumberFormat, PhoneNumberType

from services.errors import Invalid
from services.identity.status import IdentifierKind
from services.pasted_text import OVERRIDES, clean_identifier

#: Most octets of an e-mail address (RFC 5321, section 4.5.3.1.3).
MAX_EMAIL = 254
#: Most characters of a phone number as typed.
MAX_PHONE = 40

# Number types that an SMS reaches at the normal price. Personal and shared-cost numbers can cost the sender a premium.
_REACHABLE = frozenset(
    {
        PhoneNumberType.MOBILE,
        PhoneNumberType.FIXED_LINE,
        PhoneNumberType.FIXED_LINE_OR_MOBILE,
        PhoneNumberType.VOIP,
        PhoneNumberType.TOLL_FREE,
    }
)
# Scripts that one language uses together; mixing them is no sign of a look-alike address.
_COMBINED_SCRIPTS = dict.fromkeys(
    ("HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA", "CJK", "HANGUL", "BOPOMOFO"), "EAST-ASIAN"
)


@dataclass(frozen=True)
class EmailAddress:
    """`address` is what mail is sent to (domain in ASCII), `canonical` is what an account is found by."""

    address: str
    canonical: str


@dataclass(frozen=True)
class Identifier:
    """An e-mail address or a phone number: `address` is what messages are sent to, `canonical` finds the account."""

    kind: IdentifierKind
    address: str
    canonical: str

    @property
    def email_canonical(self) -> str | None:
        """The canonical e-mail address, None for a phone."""
        return self.canonical if self.kind is IdentifierKind.EMAIL else None

    @property
    def phone(self) -> str | None:
        """The E.164 number, None for an e-mail address."""
        return self.canonical if self.kind is IdentifierKind.PHONE else None


def read_identifier(email: str | None, phone: str | None, region: str) -> Identifier:
    """Parse whichever of the two is given; `region` as for `phone_number`.

    Raises Invalid: not exactly one is given, or it is not an e-mail address or phone number.
    """
    if email is not None and phone is None:
        parsed = email_address(email)
        return Identifier(IdentifierKind.EMAIL, parsed.address, parsed.canonical)
    if phone is not None and email is None:
        number = phone_number(phone, region)
        return Identifier(IdentifierKind.PHONE, number, number)
    raise Invalid("Give either an e-mail address or a phone number.")


def email_address(text: str) -> EmailAddress:
    """Parse one bare address; checks the syntax only, makes no DNS request.

    Raises Invalid at `/email`: not one plain address, a domain that cannot receive mail, or a local part that mixes
    scripts (`аnna` with a Cyrillic first letter).
    """
    if len(text) > MAX_EMAIL:
        raise _email_too_long()
    plain = unicodedata.normalize("NFKC", clean_identifier(text)).strip(" ").removesuffix(".")
    try:
        found = validate_email(plain, check_deliverability=False, strict=True)
    except (EmailNotValidError, UnicodeError):
        raise Invalid("This is not an e-mail address that mail can be sent to.", pointer="/email") from None
    if len(_scripts(found.local_part)) > 1:
        raise Invalid("The part before the @ mixes alphabets: use only one.", pointer="/email")
    domain = found.ascii_domain.lower()
    email = EmailAddress(f"{found.local_part}@{domain}", f"{_folded(found.local_part)}@{domain}")
    # The domain may be longer in ASCII than as typed.
    if max(len(email.address.encode()), len(email.canonical)) > MAX_EMAIL:
        raise _email_too_long()
    return email


def phone_number(text: str, region: str) -> str:
    """The E.164 form (`+79991234567`) of a number in international or national format.

    `region` (ISO 3166-1 alpha-2) is the country of a number without a country code. Digits of any script are accepted,
    an extension is dropped. Raises Invalid at `/phone`: not a phone number, or a short, premium or shared-cost number.
    """
    # Contact lists of phones and computers put a number between U+202D and U+202C.
    plain = clean_identifier(text[: MAX_PHONE + 1]).strip(OVERRIDES + " ")
    try:
        number = phonenumbers.parse(_international(plain), region)
    except phonenumbers.NumberParseException:
        raise Invalid("This is not a phone number.", pointer="/phone") from None
    if len(text) > MAX_PHONE or not phonenumbers.is_valid_number(number):
        raise Invalid(
            "This is not a phone number: use the international format, with + and the country code.", pointer="/phone"
        )
    if phonenumbers.number_type(number) not in _REACHABLE:
        raise Invalid("Messages are not sent to short, premium or shared-cost numbers.", pointer="/phone")
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)


def _email_too_long() -> Invalid:
    return Invalid(f"An e-mail address has at most {MAX_EMAIL} characters.", pointer="/email")


def _folded(local_part: str) -> str:
    # NFKC again: lower-casing may leave a sequence that has a shorter form.
    return unicodedata.normalize("NFKC", local_part.lower())


def _international(text: str) -> str:
    # 00 is the international prefix of most countries; no national number begins with it.
    digits = "".join(str(unicodedata.decimal(char, char)) for char in text.strip())
    return "+" + digits[2:] if digits.startswith("00") else digits


def _scripts(text: str) -> set[str]:
    scripts = (unicodedata.name(char, "UNKNOWN").split(" ")[0] for char in text if char.isalpha())
    return {_COMBINED_SCRIPTS.get(script, script) for script in scripts}
