"""Login: one answer for every failure, and hashes that follow the settings."""

from __future__ import annotations

from collections.abc import Callable
from uuid import uuid4

import pytest

from services.db import Database
from services.errors import Invalid, InvalidCredentials, NotFound, Unauthenticated
from services.identity.passwords import Argon2Profile, PasswordHasher
from services.identity.service import IdentityService
from services.identity.sign_in import SignIn
from tests.services.identity.doubles import PASSWORD, MakeSignIn, by_email, by_phone


def test_login_with_either_identifier_in_any_notation(identity: IdentityService, sign_in: SignIn) -> None:
    anna, boris = identity.register(by_email()).id, identity.register(by_phone()).id
    by_mail = sign_in.login("ANNA@EXAMPLE.com", None, PASSWORD)
    by_number = sign_in.login(None, "8 999 123 45 67", PASSWORD)
    assert sign_in.authenticate(by_mail.access_token).user_id == anna
    assert sign_in.authenticate(by_number.access_token).user_id == boris
    assert by_mail.expires_in == 600


def test_the_refresh_token_is_stored_only_as_a_hash(
    identity: IdentityService, sign_in: SignIn, database: Database
) -> None:
    identity.register(by_email())
    refresh = sign_in.login("anna@example.com", None, PASSWORD).refresh_token
    assert len(refresh) == 43
    with database.transaction() as tx:
        row = tx.fetch_one(
            ("SELECT hash = sha256(cast(%(token)s AS bytea)) AS same, kind, spent_at FROM identity.tokens"),
            {"token": refresh.encode()},
        )
    assert (row.same, row.kind, row.spent_at) == (True, "refresh", None)


def test_T12_one_answer_for_an_unknown_or_disabled_account_and_a_wrong_password(
    identity: IdentityService, sign_in: SignIn
) -> None:
    anna = identity.register(by_email()).id
    boris = identity.register(by_email("boris@example.com")).id
    identity.set_active(boris, False)
    attempts = [
        ("nobody@example.com", PASSWORD),
        ("anna@example.com", "wrong-Password-1"),
        ("anna@example.com", "x" * 5000),
        ("boris@example.com", PASSWORD),
        ("boris@example.com", "wrong-Password-1"),
    ]
    answers = set()
    for email, password in attempts:
        with pytest.raises(InvalidCredentials) as refused:
            sign_in.login(email, None, password)
        answers.add((refused.value.code, refused.value.detail, tuple(refused.value.extra)))
    assert len(answers) == 1
    assert identity.profile(anna).email == "anna@example.com"


def test_T18_an_invalid_identifier_is_refused(sign_in: SignIn) -> None:
    for email, phone, pointer in [
        (None, "anna@example.com", "/phone"),
        ("' OR 1=1 --", None, "/email"),
        ("a\0@example.com", None, "/email"),
        ("a@example.com", "+79991234567", ""),
    ]:
        with pytest.raises(Invalid) as refused:
            sign_in.login(email, phone, PASSWORD)
        assert refused.value.pointer == pointer


def test_T19_an_outdated_hash_is_replaced_once(
    identity: IdentityService, database: Database, make_sign_in: MakeSignIn
) -> None:
    identity.register(by_email())
    seen = [_credential(database)]
    with PasswordHasher(Argon2Profile(2, 16, 1)) as stronger:
        renewed = make_sign_in(stronger)
        for _ in range(2):
            renewed.login("anna@example.com", None, PASSWORD)
            seen.append(_credential(database))
    assert [parameters for _, parameters in seen] == [
        "argon2id v=19 m=8,t=1,p=1",
        "argon2id v=19 m=16,t=2,p=1",
        "argon2id v=19 m=16,t=2,p=1",
    ]
    assert seen[1] == seen[2]
    assert seen[1][0] != seen[0][0]


def test_T41_disabling_ends_sessions_and_enabling_does_not_restore_them(
    identity: IdentityService, sign_in: SignIn
) -> None:
    anna = identity.register(by_email()).id
    tokens = sign_in.login("anna@example.com", None, PASSWORD)
    identity.set_active(anna, False)
    assert _is_signed_in(sign_in, tokens.access_token) is False
    identity.set_active(anna, True)
    assert _is_signed_in(sign_in, tokens.access_token) is False
    assert _is_signed_in(sign_in, sign_in.login("anna@example.com", None, PASSWORD).access_token) is True


class InterruptedHasher(PasswordHasher):
    """Runs a function between the check of a password and the opening of the session."""

    def __init__(self, meanwhile: Callable[[], object]) -> None:
        super().__init__(Argon2Profile(1, 8, 1))
        self._meanwhile = meanwhile

    def verify(self, hash_text: str | None, password: str) -> bool:
        matches = super().verify(hash_text, password)
        self._meanwhile()
        return matches


@pytest.mark.parametrize(
    "statement", ["UPDATE identity.users SET is_active = false", "UPDATE identity.credentials SET hash = 'x'"]
)
def test_T41_no_session_opens_when_the_account_changed_during_the_check(
    identity: IdentityService, database: Database, make_sign_in: MakeSignIn, statement: str
) -> None:
    def interfere() -> None:
        with database.transaction() as tx:
            tx.execute(statement)

    identity.register(by_email())
    with InterruptedHasher(interfere) as passwords, pytest.raises(InvalidCredentials):
        make_sign_in(passwords).login("anna@example.com", None, PASSWORD)
    with database.transaction() as tx:
        assert tx.fetch_value("SELECT count(*) FROM identity.sessions") == 0


def test_an_unknown_user_cannot_be_disabled(identity: IdentityService) -> None:
    with pytest.raises(NotFound):
        identity.set_active(uuid4(), False)


def _credential(database: Database) -> tuple[str, str]:
    with database.transaction() as tx:
        row = tx.fetch_one("SELECT hash, parameters FROM identity.credentials")
    return row.hash, row.parameters


def _is_signed_in(sign_in: SignIn, token: str) -> bool:
    try:
        sign_in.authenticate(token)
    except Unauthenticated:
        return False
    return True
