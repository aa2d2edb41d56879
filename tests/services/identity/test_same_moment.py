"""Codes and reset tokens that are asked for at the same moment: one of them is valid, and nobody gets an error."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from services.clock import new_id
from services.db import Database
from services.identity import password_resets_repository, verification_codes_repository
from services.identity.password_resets import PasswordResets
from services.identity.service import IdentityService
from services.identity.status import TokenKind
from services.identity.verification_codes import VerificationCodes
from services.identity.verification_codes_repository import NewCode
from tests.journeys.waiting import until
from tests.services.identity.doubles import by_email

ANNA = "anna@example.com"
_WAITING = "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)"


def test_T261_a_code_that_another_request_stores_at_the_same_moment_is_replaced(
    codes: VerificationCodes, identity: IdentityService, database: Database
) -> None:
    anna = identity.register(by_email(ANNA))
    other = NewCode(new_id(), anna.id, None, TokenKind.VERIFY_EMAIL, b"other", ANNA)
    with ThreadPoolExecutor(1) as pool:
        with database.transaction() as tx:
            verification_codes_repository.replace_code(tx, other)
            sending = pool.submit(codes.send, ANNA, None)
            until(lambda: database.fetch_value(_WAITING))
        sending.result()
    live = database.fetch_column("SELECT hash FROM identity.tokens WHERE spent_at IS NULL")
    assert [bytes(each) == b"other" for each in live] == [False]


def test_T261_a_reset_token_that_another_request_stores_at_the_same_moment_is_replaced(
    resets: PasswordResets, identity: IdentityService, database: Database
) -> None:
    anna = identity.register(by_email(ANNA))
    with ThreadPoolExecutor(1) as pool:
        with database.transaction() as tx:
            password_resets_repository.add(tx, anna.id, b"other", b"identifier", known=True)
            asking = pool.submit(resets.request, ANNA, None)
            until(lambda: database.fetch_value(_WAITING))
        asking.result()
    live = database.fetch_column("SELECT hash FROM identity.password_reset_tokens WHERE spent_at IS NULL")
    assert [bytes(each) == b"other" for each in live] == [False]
