"""How wrong passwords for one name are slowed down, and at last stopped (ABUSE T13)."""

from __future__ import annotations

import hashlib
import hmac

from services.identity.status import IdentifierKind

#: Consecutive wrong passwords that cost nothing; from the last of them on one has to wait.
FREE_FAILURES = 5
#: Seconds; the wait doubles from one second up to here.
LONGEST_WAIT = 900
#: Consecutive wrong passwords after which no password is taken any more, until it is reset.
LAST_FAILURE = 100


class ThrottleSubjects:
    """Names for identifiers in the table of failures, so that names which nobody has are not collected there."""

    def __init__(self, secrets_key: str) -> None:
        # The first key: when another is put in front, counting begins anew.
        self._key = hashlib.sha256(b"market-login-failures:" + secrets_key.split(",")[0].strip().encode()).digest()

    def of(self, kind: IdentifierKind, canonical: str) -> bytes:
        """The subject of a canonical e-mail address or an E.164 number."""
        return hmac.digest(self._key, f"{kind}:{canonical}".encode(), "sha256")

    def of_account(self, email_canonical: str | None, phone: str | None) -> list[bytes]:
        """The subjects of all that an account is known by, the e-mail address first."""
        known = ((IdentifierKind.EMAIL, email_canonical), (IdentifierKind.PHONE, phone))
        return [self.of(kind, canonical) for kind, canonical in known if canonical is not None]
