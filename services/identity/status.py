"""Roles, identifier kinds, token kinds and session ends of the identity service."""

from enum import StrEnum


class Role(StrEnum):
    """The role of an account. Services have tokens and no account."""

    BUYER = "buyer"
    OPERATOR = "operator"


class IdentifierKind(StrEnum):
    """The kinds of identifier that an account is found by."""

    EMAIL = "email"
    PHONE = "phone"


class TokenKind(StrEnum):
    """The purpose of a row of `tokens`."""

    REFRESH = "refresh"
    VERIFY_EMAIL = "verify_email"
    VERIFY_PHONE = "verify_phone"
    CHANGE_EMAIL = "change_email"
    CHANGE_PHONE = "change_phone"


class SessionEnd(StrEnum):
    """Why a session ended before it expired."""

    LOGOUT = "logout"
    ENDED_BY_USER = "ended_by_user"
    TOKEN_REUSED = "token_reused"  # noqa: S105 - a reason, not a secret
    PASSWORD_CHANGED = "password_changed"  # noqa: S105 - a reason, not a secret
    PASSWORD_RESET = "password_reset"  # noqa: S105 - a reason, not a secret
    IDENTIFIER_CONFIRMED = "identifier_confirmed"
    DISABLED = "disabled"
    TOO_MANY = "too_many"
    ROLE_CHANGED = "role_changed"
    SECOND_FACTOR_CHANGED = "second_factor_changed"
