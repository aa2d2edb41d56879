"""Two people, every identity operation, in any order: nobody but the owner of an account reaches it (T125)."""

from __future__ import annotations

from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from services.db import Database
from services.identity.passwords import PasswordHasher
from tests.services.identity.accounts import Accounts
from tests.services.identity.two_people import TwoPeople

#: Bounded, so that it takes half a minute. A longer run finds more: raise `max_examples` and drop `derandomize`.
SETTINGS = settings(
    max_examples=50,
    stateful_step_count=25,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)


def test_T125_nobody_else_reaches_an_account_after_a_proof(
    accounts: Accounts, database: Database, passwords: PasswordHasher
) -> None:
    database = database.with_clock(accounts.clock)

    class OnThisDatabase(TwoPeople):
        def __init__(self) -> None:
            super().__init__(accounts, database, passwords)

    run_state_machine_as_test(OnThisDatabase, settings=SETTINGS)
