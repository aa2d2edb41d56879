"""What a caller may do by its kind and scopes."""

from __future__ import annotations

import pytest

from services.identity.views import Caller, CallerKind, NewPassword, RegisterUser, Scope, Tokens


def a_service(*scopes: Scope) -> Caller:
    return Caller(CallerKind.SERVICE, None, None, "service", frozenset(map(str, scopes)))


@pytest.mark.parametrize(
    ("held", "asked", "allowed"),
    [
        (Scope.PAYMENTS_READ, Scope.PAYMENTS_READ, True),
        (Scope.PAYMENTS_WRITE, Scope.PAYMENTS_READ, True),
        (Scope.PAYMENTS_READ, Scope.PAYMENTS_WRITE, False),
        (Scope.REFUNDS_WRITE, Scope.PAYMENTS_READ, False),
        (Scope.PAYMENTS_WRITE, Scope.PAYMENTS_NOTIFY, False),
    ],
)
def test_a_service_may_do_what_its_scopes_allow(held: Scope, asked: Scope, allowed: bool) -> None:
    assert a_service(held).may(asked) is allowed


def test_an_operator_may_do_everything_and_a_buyer_nothing_by_scope() -> None:
    operator = Caller(CallerKind.OPERATOR, None, None, "operator")
    buyer = Caller(CallerKind.BUYER, None, None, "buyer", frozenset(Scope))
    assert all(operator.may(scope) for scope in Scope)
    assert not any(buyer.may(scope) for scope in Scope)


def test_secrets_are_not_in_the_text_of_a_value() -> None:
    values = [
        Tokens("secret", "secret", 1),
        NewPassword("secret", "secret"),
        RegisterUser("A", "B", None, None, "secret"),
    ]
    assert [value for value in values if "secret" in repr(value)] == []
