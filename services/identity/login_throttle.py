"""Limits of the login throttle: wrong passwords and codes are delayed, then blocked (ABUSE T13, T165)."""

from __future__ import annotations

import hashlib
import hmac
from uuid import UUID

from services.identity.status import IdentifierKind

#: Consecutive wrong passwords without a delay; the last of them starts the first delay.
FREE_FAILURES = 5
#: Seconds. The delay starts at one second and doubles up to this.
LONGEST_WAIT = 900
#: Consecutive wrong passwords after which every password is refused until a reset.
LAST_FAILURE = 100


class ThrottleSubjects:
    """Keyed hashes of identifiers for the table of login failures, so that it holds no addresses of unknown people."""

    def __init__(self, secrets_key: str) -> None:
        # Derived from the first key: after a key rotation the counts start again, and old ones are deleted by age.
        self._key = hashlib.sha256(b"market-login-failures:" + secrets_key.split(",")[0].strip().encode()).digest()

    def of(self, kind: IdentifierKind, canonical: str) -> bytes:
        """The subject of a canonical e-mail address or an E.164 number."""
        return hmac.digest(self._key, f"{kind}:{canonical}".encode(), "sha256")

    def of_second_factor(self, user_id: UUID) -> bytes:
        """The subject that counts wrong codes of an account's second factor, whichever identifier came with them."""
        return hmac.digest(self._key, f"second-factor:{user_id}".encode(), "sha256")

    def of_account(self, email_canonical: str | None, phone: str | None) -> list[bytes]:
        """The subjects of an account's identifiers, the e-mail address first."""
        identifiers = ((IdentifierKind.EMAIL, email_canonical), (IdentifierKind.PHONE, phone))
        return [self.of(kind, canonical) for kind, canonical in identifiers if canonical is not None]
