"""A state machine of two people who use every identity operation on each other's identifiers and accounts.

Each person reads only what is sent to the own identifiers, and knows only the own passwords and tokens. Either may
register or request anything for any identifier. The model knows who owns each account; after every step the other
person must have no way into it: no live session, no valid password, no verified identifier.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from services.db import Database
from services.errors import MarketError
from services.identity.passwords import PasswordHasher
from services.identity.status import IdentifierKind
from services.identity.views import Caller, NewPassword, RegisterUser
from tests.services.identity.accounts import Accounts, either

T = TypeVar("T")

_numbers = itertools.count()


@dataclass(frozen=True)
class Secret:
    """A code or a reset token that was sent to an identifier."""

    identifier: str
    value: str


@dataclass
class Session:
    """A session as its holder knows it; `refresh_tokens` holds every token that it had."""

    caller: Caller
    refresh_tokens: list[str]

    @property
    def account(self) -> UUID:
        assert self.caller.user_id is not None
        return self.caller.user_id

    @property
    def id(self) -> UUID:
        assert self.caller.session_id is not None
        return self.caller.session_id


@dataclass
class Person:
    """What one of the two people controls and knows."""

    identifiers: tuple[str, str]
    passwords: list[str] = field(default_factory=list)
    sessions: list[Session] = field(default_factory=list)
    codes: list[Secret] = field(default_factory=list)
    reset_tokens: list[Secret] = field(default_factory=list)

    def receive(self, identifier: str, variables: Mapping[str, str]) -> None:
        """A message to one of the own identifiers."""
        if "code" in variables:
            self.codes.append(Secret(identifier, variables["code"]))
        if "resetToken" in variables:
            self.reset_tokens.append(Secret(identifier, variables["resetToken"]))

    def new_password(self) -> str:
        self.passwords.append(f"quiet lantern {next(_numbers)} over the river")
        return self.passwords[-1]


@dataclass
class Owned:
    """Who owns an account, who has its password, and which of its identifiers were proven.

    `claimed` is the identifier that the owner proved by a code without a session, until a reset with it.
    """

    owner: Person
    password_of: Person
    proven: set[str] = field(default_factory=set)
    claimed: str | None = None

    @property
    def shared(self) -> bool:
        """Whether the other person still has the password: a code does not replace it."""
        return self.claimed is not None and self.password_of is not self.owner


def picked(items: Sequence[T], index: int) -> T | None:
    """The newest thing but `index`, None when there are too few."""
    return items[-1 - index] if index < len(items) else None


def accepted(operation: Callable[[], None]) -> bool:
    """True after an operation without a result, which raises when it is refused."""
    operation()
    return True


def somebody_has(what: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Keeps a rule for states in which one of the people has something of this kind."""
    return precondition(lambda self: any(getattr(person, what) for person in self._people))


PEOPLE = st.sampled_from([0, 1])
IDENTIFIERS = st.sampled_from([0, 1, 2, 3])
#: Which of several things, the newest first.
PICK = st.sampled_from([0, 0, 0, 1, 2])


class TwoPeople(RuleBasedStateMachine):
    """The operations as rules; each checks at once who gained something."""

    def __init__(self, accounts: Accounts, database: Database, hasher: PasswordHasher) -> None:
        super().__init__()
        self._to, self._database, self._hasher = accounts, database, hasher
        number = next(_numbers)
        self._people = [
            Person((f"{name}{number}@example.com", f"+7999{digit}{number:06}"))
            for name, digit in (("owner", 1), ("stranger", 2))
        ]
        self._identifiers = [*self._people[0].identifiers, *self._people[1].identifiers]
        self._owned: dict[UUID, Owned] = {}
        self._verified: dict[tuple[str, str], bool] = {}

    @initialize(by=PEOPLE, which=IDENTIFIERS, added=IDENTIFIERS)
    def begin(self, by: int, which: int, added: int) -> None:
        """One of them registers any identifier, and may add one of their own."""
        self.register(by, which)
        self.sign_in(by, which)
        self.ask_for_a_change(by, 0, added)
        self.enter_a_code(by, 0, 0)

    @rule(by=PEOPLE, which=IDENTIFIERS)
    def register(self, by: int, which: int) -> None:
        person, (email, phone) = self._people[by], either(self._identifiers[which])
        wanted = RegisterUser("Anna", "Petrova", email, phone, person.new_password())
        profile = self._result(lambda: self._to.identity.register(wanted))
        if profile is not None:
            self._owned[profile.id] = Owned(person, person)

    @rule(by=PEOPLE, which=IDENTIFIERS)
    def sign_in(self, by: int, which: int) -> None:
        person = self._people[by]
        tokens = self._with_a_password(person, lambda known: self._to.log_in(self._identifiers[which], known))
        if tokens is not None:
            session = Session(self._to.sign_in.authenticate(tokens.access_token), [tokens.refresh_token])
            person.sessions.append(session)
            self._reached(person, session.account)

    @somebody_has("sessions")
    @rule(by=PEOPLE, session=PICK, token=PICK)
    def refresh(self, by: int, session: int, token: int) -> None:
        held = picked(self._people[by].sessions, session)
        old = picked(held.refresh_tokens, token) if held else None
        tokens = self._result(lambda: self._to.sign_in.refresh(old)) if old else None
        if held is not None and tokens is not None:
            held.refresh_tokens.append(tokens.refresh_token)
            self._reached(self._people[by], held.account)

    @rule(which=IDENTIFIERS)
    def ask_for_a_code(self, which: int) -> None:
        self._result(lambda: self._to.codes.send(*either(self._identifiers[which])))

    @rule(which=IDENTIFIERS)
    def ask_for_a_reset(self, which: int) -> None:
        self._result(lambda: self._to.resets.request(*either(self._identifiers[which])))

    @somebody_has("sessions")
    @rule(by=PEOPLE, session=PICK, which=IDENTIFIERS)
    def ask_for_a_change(self, by: int, session: int, which: int) -> None:
        person, identifier = self._people[by], either(self._identifiers[which])
        held = picked(person.sessions, session)
        if held is not None and self._with_a_password(
            person, lambda known: accepted(lambda: self._to.changes.request(held.caller, *identifier, known))
        ):
            self._reached(person, held.account)

    @somebody_has("sessions")
    @rule(by=PEOPLE, session=PICK, kind=st.sampled_from(IdentifierKind))
    def remove(self, by: int, session: int, kind: IdentifierKind) -> None:
        person = self._people[by]
        held = picked(person.sessions, session)
        if held is not None and self._with_a_password(
            person, lambda known: accepted(lambda: self._to.changes.remove(held.caller, kind, known))
        ):
            self._changed(person, held.account)

    @somebody_has("sessions")
    @rule(by=PEOPLE, session=PICK)
    def change_the_password(self, by: int, session: int) -> None:
        person, new = self._people[by], self._people[by].new_password()
        held = picked(person.sessions, session)
        # The service gets the session of an authenticated request.
        if held is None or not self._is_live(held):
            return

        def change(known: str) -> bool:
            return accepted(lambda: self._to.sign_in.change_password(held.account, held.id, NewPassword(known, new)))

        if self._with_a_password(person, change):
            self._reached(person, held.account)

    @somebody_has("codes")
    @rule(by=PEOPLE, pick=PICK, session=st.none() | PICK)
    def enter_a_code(self, by: int, pick: int, session: int | None) -> None:
        person = self._people[by]
        secret = picked(person.codes, pick)
        held = picked(person.sessions, session) if session is not None else None
        if secret is None:
            return
        before = self._holder(secret.identifier)
        caller = held.caller if held is not None else None
        if not self._result(lambda: accepted(lambda: self._to.confirm(secret.identifier, secret.value, caller))):
            return
        account = self._holder(secret.identifier)
        assert account is not None
        if held is None:
            assert account == before, "an identifier was set without a session"
            self._proved(person, account, secret.identifier, by_reset=False)
        else:
            assert account == held.account, "a code was accepted in a session of another account"
            self._changed(person, account)
            self._owned[account].proven.add(secret.identifier)

    @somebody_has("reset_tokens")
    @rule(by=PEOPLE, pick=PICK)
    def set_a_password(self, by: int, pick: int) -> None:
        person = self._people[by]
        secret, password = picked(person.reset_tokens, pick), person.new_password()
        if secret is None:
            return
        account = self._holder(secret.identifier)
        if self._result(lambda: accepted(lambda: self._to.resets.confirm(secret.value, password))):
            assert account is not None
            self._proved(person, account, secret.identifier, by_reset=True)

    @rule(seconds=st.sampled_from([1, 11]))
    def wait(self, seconds: int) -> None:
        self._to.clock.move(seconds=seconds)

    @invariant()
    def nobody_else_reaches_an_account(self) -> None:
        for account, state in self._owned.items():
            if state.shared:
                continue
            (other,) = (person for person in self._people if person is not state.owner)
            row = self._database.fetch_one(_WAYS, {"id": account})
            verified = {row.email if row.email_verified else None, row.phone if row.phone_verified else None}
            assert not verified.intersection(other.identifiers), "another person's identifier can get a reset"
            assert not {held.id for held in other.sessions}.intersection(row.sessions), "a session is still live"
            assert not any(self._matches(row.hash, known) for known in other.passwords), "a password is valid"

    def teardown(self) -> None:
        """Each person takes the account of an own identifier that nobody has proven, by a code and then a reset.

        Between the two, the other person tries to come back by the old password, and to add an identifier.
        """
        for account, state in self._owned.items():
            for person in self._people:
                for identifier in self._on(account).intersection(person.identifiers) - state.proven:
                    self._recover(person, identifier)
                    assert (state.owner, state.claimed) == (person, None)
                    self.nobody_else_reaches_an_account()

    def _recover(self, person: Person, identifier: str) -> None:
        by, which = self._people.index(person), self._identifiers.index(identifier)
        self.ask_for_a_code(which)
        self.enter_a_code(by, 0, None)
        self.nobody_else_reaches_an_account()
        self.sign_in(1 - by, which)
        self.ask_for_a_change(1 - by, 0, 3 - which)
        self.enter_a_code(1 - by, 0, 0)
        self.ask_for_a_reset(which)
        self.set_a_password(by, 0)
        self.sign_in(by, which)
        assert person.sessions[-1].account == self._holder(identifier)

    def _reached(self, person: Person, account: UUID) -> None:
        state = self._owned[account]
        assert state.owner is person or state.shared, "another person reached the account"

    def _proved(self, person: Person, account: UUID, identifier: str, *, by_reset: bool) -> None:
        """A code without a session, or a reset, was accepted."""
        state = self._owned[account]
        assert not self._live_sessions(account), "a proof without a session ends every session"
        first = identifier not in state.proven or (by_reset and state.claimed == identifier)
        if not first:
            self._reached(person, account)
        else:
            assert self._on(account) == {identifier}, "a first proof leaves one identifier"
            state.owner, state.proven = person, {identifier}
            state.claimed = None if by_reset else identifier
        if by_reset:
            state.password_of = person

    def _changed(self, person: Person, account: UUID) -> None:
        """A session of the account replaced or removed an identifier."""
        self._reached(person, account)
        state, left = self._owned[account], self._on(account)
        state.proven &= left
        if state.claimed is not None and state.claimed not in left:
            state.owner, state.claimed = person, None

    def _matches(self, hash_text: str, password: str) -> bool:
        if (hash_text, password) not in self._verified:
            self._verified[hash_text, password] = self._hasher.verify(hash_text, password)
        return self._verified[hash_text, password]

    def _is_live(self, held: Session) -> bool:
        return held.id in self._live_sessions(held.account)

    def _live_sessions(self, account: UUID) -> list[UUID]:
        sessions: list[UUID] = self._database.fetch_one(_WAYS, {"id": account}).sessions
        return sessions

    def _with_a_password(self, person: Person, operation: Callable[[str], T]) -> T | None:
        """The result of an operation with the newest password of the person that it takes, None without one."""
        for known in person.passwords[::-1]:
            result = self._result(partial(operation, known))
            if result is not None:
                return result
        return None

    def _result(self, operation: Callable[[], T]) -> T | None:
        """The result of an operation, None when it is refused. Limits are not part of the model."""
        self._database.execute("WITH limits AS (DELETE FROM limits.strict) DELETE FROM identity.login_failures")
        try:
            return operation()
        except MarketError:
            return None
        finally:
            self._deliver()

    def _deliver(self) -> None:
        messages = self._to.outbox.pending(1000)
        for message in messages:
            for person in self._people:
                if message.to in person.identifiers:
                    person.receive(message.to, message.variables)
        self._to.outbox.remove([message.id for message in messages])

    def _holder(self, identifier: str) -> UUID | None:
        found: UUID | None = self._database.fetch_value(_HOLDER, {"identifier": identifier})
        return found

    def _on(self, account: UUID) -> set[str]:
        row = self._database.fetch_one(_WAYS, {"id": account})
        return {each for each in (row.email, row.phone) if each is not None}


_HOLDER = "SELECT id FROM identity.users WHERE email_canonical = %(identifier)s OR phone = %(identifier)s"
_WAYS = """
    SELECT u.email_canonical AS email, u.phone, u.email_verified, u.phone_verified, c.hash,
           ARRAY(SELECT s.id FROM identity.sessions s WHERE s.user_id = u.id AND s.ended_at IS NULL) AS sessions
      FROM identity.users u JOIN identity.credentials c ON c.user_id = u.id
     WHERE u.id = %(id)s
    """
