"""Tables of the identity service: users, credentials, second factors, sessions, tokens, login failures, messages."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Index,
    LargeBinary,
    SmallInteger,
    String,
    Text,
    func,
    text,
)
from sqlmodel import Field, SQLModel

from services import table_names as table_names  # sets the names of constraints
from services.identity.status import IdentifierKind, Role, SessionEnd, TokenKind

SCHEMA = "identity"


def _one_of(column: str, values: type[StrEnum]) -> str:
    return f"{column} IN ({', '.join(repr(str(v)) for v in values)})"


def moment() -> Any:
    """A time that the row was made or changed."""
    return Field(sa_column=Column(DateTime(timezone=True), nullable=False, server_default=func.now()))


def _until() -> Any:
    return Field(sa_column=Column(DateTime(timezone=True), nullable=False))


def once() -> Any:
    """A time that something happens to the row, at most once; null until then."""
    return Field(default=None, sa_column=Column(DateTime(timezone=True)))


def _owner() -> Any:
    return Field(sa_column=Column(ForeignKey(f"{SCHEMA}.users.id", ondelete="CASCADE"), nullable=False, index=True))


class User(SQLModel, table=True):
    """One account, identified by an e-mail address, a phone number, or both."""

    __tablename__ = "users"
    __table_args__ = (
        CheckConstraint(_one_of("role", Role), name="role"),
        CheckConstraint(_one_of("registered_with", IdentifierKind), name="registered_with"),
        CheckConstraint(f"claimed_with IS NULL OR {_one_of('claimed_with', IdentifierKind)}", name="claimed_with"),
        CheckConstraint("email_canonical IS NOT NULL OR phone IS NOT NULL", name="identified"),
        CheckConstraint("(email IS NULL) = (email_canonical IS NULL)", name="email"),
        CheckConstraint("email IS NOT NULL OR NOT email_verified", name="email_verified"),
        CheckConstraint("phone IS NOT NULL OR NOT phone_verified", name="phone_verified"),
        Index("uq_users_email_canonical", "email_canonical", unique=True),
        Index("uq_users_phone", "phone", unique=True),
        {"schema": SCHEMA},
    )

    id: UUID = Field(primary_key=True)
    first_name: str = Field(sa_column=Column(String(100), nullable=False))
    last_name: str = Field(sa_column=Column(String(100), nullable=False))
    #: local part as typed, domain canonical: what mail is sent to
    email: str | None = Field(default=None, sa_column=Column(String(254)))
    #: lower-cased: what the account is found by
    email_canonical: str | None = Field(default=None, sa_column=Column(String(254)))
    #: E.164
    phone: str | None = Field(default=None, sa_column=Column(String(16)))
    email_verified: bool = Field(default=False, sa_column_kwargs={"server_default": text("false")})
    phone_verified: bool = Field(default=False, sa_column_kwargs={"server_default": text("false")})
    #: messages are sent there also while it is unverified; to the other identifier only once it is verified
    registered_with: str = Field(sa_column=Column(String(8), nullable=False))
    #: the identifier that was proven by a code without a session, while others may know the password
    claimed_with: str | None = Field(default=None, sa_column=Column(String(8)))
    language: str = Field(sa_column=Column(String(8), nullable=False))
    role: str = Field(sa_column=Column(String(16), nullable=False, server_default=text("'buyer'")))
    is_active: bool = Field(default=True, sa_column_kwargs={"server_default": text("true")})
    created_at: datetime = moment()
    updated_at: datetime = moment()


class UserCredential(SQLModel, table=True):
    """A user's password as an Argon2id hash, with the parameters of the hash."""

    __tablename__ = "credentials"
    __table_args__ = {"schema": SCHEMA}

    user_id: UUID = Field(
        sa_column=Column(ForeignKey(f"{SCHEMA}.users.id", ondelete="CASCADE"), primary_key=True, nullable=False)
    )
    #: PHC string, including the salt
    hash: str = Field(sa_column=Column(Text, nullable=False))
    #: the parameters alone (`argon2id v=19 m=65536,t=3,p=4`), so that outdated hashes can be counted
    parameters: str = Field(sa_column=Column(String(64), nullable=False))
    changed_at: datetime = moment()


class UserSession(SQLModel, table=True):
    """One sign-in; read on every request, so that ending it ends its access tokens at once."""

    __tablename__ = "sessions"
    __table_args__ = (
        CheckConstraint(f"end_reason IS NULL OR {_one_of('end_reason', SessionEnd)}", name="end_reason"),
        CheckConstraint("(ended_at IS NULL) = (end_reason IS NULL)", name="ended"),
        CheckConstraint(_one_of("role", Role), name="role"),
        Index("ix_sessions_expires_at", "expires_at"),
        {"schema": SCHEMA},
    )

    id: UUID = Field(primary_key=True)
    user_id: UUID = _owner()
    #: what `client_name` makes of the user agent, for the list of sessions and for notices
    client: str | None = Field(default=None, sa_column=Column(String(200)))
    #: what it was opened for: operator only with a second factor; it counts while the account has this role
    role: str = Field(sa_column=Column(String(16), nullable=False, server_default=text("'buyer'")))
    created_at: datetime = moment()
    #: when its last refresh token was issued
    last_used_at: datetime = moment()
    #: absolute end; the idle end is the expiry of its refresh token
    expires_at: datetime = _until()
    ended_at: datetime | None = once()
    end_reason: str | None = Field(default=None, sa_column=Column(String(24)))


class UserToken(SQLModel, table=True):
    """A refresh token or a verification code, by kind; `spent_at` is set when it is used, rotated or replaced."""

    __tablename__ = "tokens"
    __table_args__ = (
        CheckConstraint(_one_of("kind", TokenKind), name="kind"),
        CheckConstraint("kind <> 'refresh' OR session_id IS NOT NULL", name="session"),
        CheckConstraint("(kind = 'refresh') = (identifier IS NULL)", name="identifier"),
        CheckConstraint("kind <> 'refresh' OR user_id IS NOT NULL", name="owner"),
        Index("uq_tokens_refresh", "hash", unique=True, postgresql_where=text("kind = 'refresh'")),
        Index(
            "uq_tokens_live_refresh",
            "session_id",
            unique=True,
            postgresql_where=text("kind = 'refresh' AND spent_at IS NULL"),
        ),
        Index(
            "uq_tokens_live_code",
            "identifier",
            "kind",
            unique=True,
            postgresql_where=text("kind IN ('verify_email', 'verify_phone') AND spent_at IS NULL"),
        ),
        # Unique per user: two people may request the same new address without invalidating each other's code.
        Index(
            "uq_tokens_live_change",
            "user_id",
            "kind",
            unique=True,
            postgresql_where=text("kind IN ('change_email', 'change_phone') AND spent_at IS NULL"),
        ),
        Index("ix_tokens_identifier", "identifier", "kind", "created_at"),
        Index("ix_tokens_session_id", "session_id"),
        Index("ix_tokens_expires_at", "expires_at"),
        Index("ix_tokens_code_expires_at", "expires_at", postgresql_where=text("kind <> 'refresh'")),
        {"schema": SCHEMA},
    )

    id: UUID = Field(primary_key=True)
    #: null for a code that was requested for an unknown identifier: guesses are counted, and no code matches
    user_id: UUID | None = Field(
        default=None, sa_column=Column(ForeignKey(f"{SCHEMA}.users.id", ondelete="CASCADE"), index=True)
    )
    #: of a refresh token, or that asked for a change of an identifier; null for the code of a verification
    session_id: UUID | None = Field(
        default=None, sa_column=Column(ForeignKey(f"{SCHEMA}.sessions.id", ondelete="CASCADE"))
    )
    kind: str = Field(sa_column=Column(String(16), nullable=False))
    #: SHA-256 of a refresh token; keyed hash of a code
    hash: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    #: keyed hash of the Idempotency-Key of the request that rotated a refresh token: that request can be repeated
    key_hash: bytes | None = Field(default=None, sa_column=Column(LargeBinary))
    #: canonical identifier that a code verifies: the account's own, or its new one
    identifier: str | None = Field(default=None, sa_column=Column(String(254)))
    #: guesses so far; each is committed before it is compared
    attempts: int = Field(default=0, sa_column=Column(SmallInteger, nullable=False, server_default=text("0")))
    created_at: datetime = moment()
    expires_at: datetime = _until()
    spent_at: datetime | None = once()


class StreamTicket(SQLModel, table=True):
    """A ticket that opens an event stream; the row is deleted when it is used."""

    __tablename__ = "stream_tickets"
    __table_args__ = (Index("ix_stream_tickets_expires_at", "expires_at"), {"schema": SCHEMA})

    #: SHA-256 of the ticket
    hash: bytes = Field(sa_column=Column(LargeBinary, primary_key=True))
    #: the stream ends when this session ends
    session_id: UUID = Field(
        sa_column=Column(ForeignKey(f"{SCHEMA}.sessions.id", ondelete="CASCADE"), nullable=False, index=True)
    )
    order_id: UUID
    expires_at: datetime = _until()


class MintedToken(SQLModel, table=True):
    """A token without a session; read on every request with it, so that revoking it ends it at once."""

    __tablename__ = "minted_tokens"
    __table_args__ = (
        CheckConstraint("role IN ('service', 'operator')", name="role"),
        Index("ix_minted_tokens_expires_at", "expires_at"),
        {"schema": SCHEMA},
    )

    #: the `jti` of the token
    id: UUID = Field(primary_key=True)
    role: str = Field(sa_column=Column(String(16), nullable=False))
    #: the person or the service that it was minted for
    name: str = Field(sa_column=Column(String(40), nullable=False))
    #: separated by spaces; an operator has none and may do everything
    scopes: str = Field(sa_column=Column(Text, nullable=False))
    created_at: datetime = moment()
    expires_at: datetime = _until()
    revoked_at: datetime | None = once()


class PasswordResetToken(SQLModel, table=True):
    """A single-use token that allows setting a new password, stored as SHA-256."""

    __tablename__ = "password_reset_tokens"
    __table_args__ = (
        Index("uq_password_reset_tokens_hash", "hash", unique=True),
        Index("uq_password_reset_tokens_live", "user_id", unique=True, postgresql_where=text("spent_at IS NULL")),
        Index("ix_password_reset_tokens_expires_at", "expires_at"),
        {"schema": SCHEMA},
    )

    id: UUID = Field(primary_key=True)
    user_id: UUID = _owner()
    hash: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    #: SHA-256 of the token with the identifier that it was sent to, and that it proves; null in rows of earlier
    #: versions, which are invalid
    identifier_hash: bytes | None = Field(default=None, sa_column=Column(LargeBinary))
    created_at: datetime = moment()
    expires_at: datetime = _until()
    spent_at: datetime | None = once()


class LoginFailures(SQLModel, table=True):
    """Consecutive wrong passwords for one identifier, known or unknown; a login or a reset deletes the row."""

    __tablename__ = "login_failures"
    __table_args__ = (Index("ix_login_failures_last_at", "last_at"), {"schema": SCHEMA})

    #: keyed hash of the canonical identifier, so that the table holds no addresses of unknown people
    subject: bytes = Field(sa_column=Column(LargeBinary, primary_key=True))
    failures: int
    last_at: datetime = moment()
    #: until then no password is compared, not even the right one
    blocked_until: datetime | None = once()


class AccountMessage(SQLModel, table=True):
    """A message to a person about their account, written in the transaction of its cause; the dispatcher queues it.

    For an unknown identifier a row without a recipient is written, so that the time of a request reveals nothing.
    """

    __tablename__ = "messages"
    __table_args__ = {"schema": SCHEMA}

    #: UUIDv7: messages are queued in this order, and their key contains it
    id: UUID = Field(primary_key=True)
    channel: str = Field(sa_column=Column(String(8), nullable=False))
    template: str = Field(sa_column=Column(String(40), nullable=False))
    language: str = Field(sa_column=Column(String(8), nullable=False))
    #: encrypted `{"to": …}` with the variables; null: no recipient
    sealed: bytes | None = Field(default=None, sa_column=Column(LargeBinary))
    created_at: datetime = moment()
