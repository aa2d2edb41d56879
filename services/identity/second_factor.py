"""The second factor of operators: codes of an authenticator app (TOTP, RFC 6238) and recovery codes, each used once."""

from __future__ import annotations

import base64
import re
import secrets
from datetime import datetime
from uuid import UUID

import pyotp
import structlog
from pyotp.exceptions import OTPVerificationError

from services.db import Database, Executor
from services.errors import InvalidCode
from services.identity import login_throttle_repository, second_factor_repository, sessions_repository
from services.identity.account_messages import AccountMessages
from services.identity.login_throttle import LAST_FAILURE, ThrottleSubjects
from services.identity.password_check import count_attempt
from services.identity.refresh_tokens import hash_token
from services.identity.second_factor_repository import StoredSecret
from services.identity.status import SessionEnd
from services.secrets import Vault

#: The name of the account's issuer in authenticator apps.
ISSUER = "Marketplace Orders"
RECOVERY_CODES = 10
#: Time steps (30 s) before and after the present one whose codes are accepted: clocks of phones differ.
WINDOW = 1
_RECOVERY_BYTES = 15  # 120 bits: such a code needs no slow hash (ASVS 6.5.2)
_SEPARATORS = re.compile(r"[ -]")
_TOTP_CODE = re.compile(r"[0-9]{6}")
_RECOVERY_CODE = re.compile(r"[A-Z2-7]{24}")

_log = structlog.get_logger(__name__)


class SecondFactor:
    """Checks codes; wrong ones are counted per account, with the delays and the lock of wrong passwords."""

    def __init__(self, database: Database, vault: Vault, subjects: ThrottleSubjects, messages: AccountMessages) -> None:
        self._database, self._vault, self._subjects, self._messages = database, vault, subjects, messages

    def count(self, user_id: UUID) -> None:
        """Count one try before its code is compared; an accepted code deletes the count.

        Raises RateLimited while the account has to wait; InvalidCode after 100 consecutive wrong codes, until an
        administrator removes the second factor.
        """
        subject = self._subjects.of_second_factor(user_id)
        if count_attempt(self._database, subject, "Too many wrong codes: wait before the next try.") > LAST_FAILURE:
            _log.warning("identity.second_factor_locked", user_id=str(user_id))
            raise invalid_code()

    def accept(self, tx: Executor, user_id: UUID, code: str) -> None:
        """Use up a code of the app, or a recovery code, in the caller's transaction; `count` must come first.

        Raises InvalidCode for a wrong, old or used code, and for an account without a second factor.
        """
        stored = second_factor_repository.find(tx, user_id)
        written = _SEPARATORS.sub("", code).upper()
        if stored is None or not (self._use_code(tx, user_id, stored, written) or self._recover(tx, user_id, written)):
            raise invalid_code()
        self.forget_failures(tx, user_id)

    def remove(self, tx: Executor, user_id: UUID) -> None:
        """Delete the second factor, recovery codes and the count of wrong codes; every session ends."""
        had_one = second_factor_repository.remove(tx, user_id)
        self.forget_failures(tx, user_id)
        sessions_repository.end_sessions(tx, user_id, SessionEnd.SECOND_FACTOR_CHANGED)
        if had_one:
            self._messages.add_notice(tx, user_id, "second_factor_removed", {})
        tx.after_commit(lambda: _log.info("identity.second_factor_removed", user_id=str(user_id)))

    def matching_step(self, stored: StoredSecret, code: str) -> int | None:
        """The time step whose code this is, at the time of `stored`; None when it is none of the three."""
        return _matching_step(self._secret(stored), _SEPARATORS.sub("", code), stored.at)

    def seal(self, secret: str) -> bytes:
        """Encrypt a secret."""
        return self._vault.seal({"secret": secret})

    def forget_failures(self, tx: Executor, user_id: UUID) -> None:
        """Delete the count of wrong codes."""
        login_throttle_repository.forget_failures(tx, [self._subjects.of_second_factor(user_id)])

    def _use_code(self, tx: Executor, user_id: UUID, stored: StoredSecret, code: str) -> bool:
        secret = self._secret(stored)
        step = _matching_step(secret, code, stored.at)
        # Encrypted again with the present key, so that a key can be retired once every operator has signed in.
        return step is not None and second_factor_repository.use_step(tx, user_id, step, self.seal(secret))

    def _recover(self, tx: Executor, user_id: UUID, code: str) -> bool:
        if not _RECOVERY_CODE.fullmatch(code):
            return False
        if not second_factor_repository.use_recovery_code(tx, user_id, hash_token(code)):
            return False
        self._messages.add_notice(tx, user_id, "recovery_code_used", {})
        _log.info("identity.recovery_code_used", user_id=str(user_id))
        return True

    def _secret(self, stored: StoredSecret) -> str:
        try:
            return self._vault.open(stored.sealed)["secret"]
        except ValueError:
            # Its key was retired: a recovery code still works, and so does an administrator's reset.
            _log.error("identity.second_factor_lost")
            return ""


def new_secret() -> str:
    """A secret of 160 bits (RFC 4226, section 4), in base32."""
    return pyotp.random_base32()


def provisioning_uri(secret: str, account: str) -> str:
    """The `otpauth://` URI that authenticator apps read from a QR code; `account` is shown there."""
    return pyotp.TOTP(secret).provisioning_uri(name=account, issuer_name=ISSUER)


def new_recovery_code() -> str:
    """120 random bits as `ABCD-EFGH-…`: six groups of four letters and digits."""
    digits = base64.b32encode(secrets.token_bytes(_RECOVERY_BYTES)).decode()
    return "-".join(digits[start : start + 4] for start in range(0, len(digits), 4))


def recovery_hash(code: str) -> bytes:
    """The stored form of a recovery code."""
    return hash_token(_SEPARATORS.sub("", code).upper())


def invalid_code() -> InvalidCode:
    """The refusal of a code, with one text for wrong, old and used ones."""
    return InvalidCode("The code is wrong, has expired or was used. Wait for the next one.", pointer="/code")


def _matching_step(secret: str, code: str, at: datetime) -> int | None:
    if not secret or not _TOTP_CODE.fullmatch(code):
        return None
    try:
        return pyotp.TOTP(secret).verify_and_get_timecode(code, for_time=at, valid_window=WINDOW)
    except OTPVerificationError:
        return None
