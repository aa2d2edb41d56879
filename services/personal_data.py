"""The data of a person in all services: a copy of it, and its deletion in one transaction."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from services.db import Database, Executor
from services.idempotency import forget_caller
from services.identity.account_deletion import AccountDeletion
from services.identity.own_account import session_of
from services.identity.personal_data import IdentityPersonalData
from services.identity.views import Caller, CallerKind
from services.notifications.budget import MessageBudget
from services.notifications.personal_data import NotificationPersonalData
from services.orders.personal_data import OrderPersonalData
from services.payments.personal_data import PaymentPersonalData
from services.secrets import Vault

#: Orders read at once for an export, so that its memory does not grow with them.
BATCH = 100
By = Literal["person", "operator"]


@dataclass(frozen=True)
class PersonalData:
    """What every service holds about one person."""

    database: Database
    identity: IdentityPersonalData
    deletion: AccountDeletion
    orders: OrderPersonalData
    payments: PaymentPersonalData
    notifications: NotificationPersonalData

    @classmethod
    def of(cls, database: Database, vault: Vault, deletion: AccountDeletion, budget: MessageBudget) -> PersonalData:
        """Wired with the parts that read and erase."""
        return cls(
            database=database,
            identity=IdentityPersonalData(database),
            deletion=deletion,
            orders=OrderPersonalData(database, vault),
            payments=PaymentPersonalData(database),
            notifications=NotificationPersonalData(database, vault, budget),
        )

    def erase_own(self, caller: Caller, password: str, code: str | None) -> None:
        """Erase the caller's account, proven by the password, and by a code if it has a second factor.

        Raises InvalidCredentials, InvalidCode, RateLimited, Unauthenticated; InvalidTransition with open orders;
        Unavailable when the queue of the hasher is full.
        """
        self.deletion.prove(caller, password)
        user_id, session_id = session_of(caller)

        def erase(tx: Executor) -> None:
            # The orders come first, as they do when one is placed: two transactions cannot wait for each other.
            self.orders.require_closed(tx, user_id)
            self.deletion.confirm(tx, user_id, session_id, code)
            self._erase(tx, user_id, "person")

        self.database.run_in_transaction(erase)

    def erase(self, user_id: UUID) -> None:
        """Erase an account at the wish of its owner, whom an operator knows.

        Raises NotFound; InvalidTransition with open orders.
        """

        def erase(tx: Executor) -> None:
            self.orders.require_closed(tx, user_id)
            self._erase(tx, user_id, "operator")

        self.database.run_in_transaction(erase)

    def _erase(self, tx: Executor, user_id: UUID, by: By) -> None:
        deleted = self.deletion.delete(tx, user_id, by)
        phones = {*self.orders.phones(tx, user_id), *filter(None, [deleted.phone])}
        order_ids = self.orders.erase(tx, user_id)
        self.payments.erase(tx, order_ids, phones)
        self.notifications.erase(tx, order_ids, deleted.email, deleted.phone)
        forget_caller(tx, [f"{kind}:{user_id}" for kind in CallerKind])

    def export(self, user_id: UUID) -> Iterator[str]:
        """Everything about a person as one JSON document, in parts; each reads some orders. Raises NotFound at once."""
        account = self.identity.account(user_id)
        return self._parts(user_id, account)

    def _parts(self, user_id: UUID, account: dict[str, Any]) -> Iterator[str]:
        yield f'{{"account": {_json(account)}'
        yield from _array("sessions", self.identity.sessions(user_id))
        yield from _array("orders", self._orders(user_id))
        yield from _array("messages", self.notifications.of_account(account["email"], account["phone"]))
        yield "}\n"

    def _orders(self, user_id: UUID) -> Iterator[dict[str, Any]]:
        after = None
        while page := self.orders.page(user_id, after, BATCH):
            ids = [UUID(order["id"]) for order in page]
            after = ids[-1]
            payments = self.payments.of_orders(ids)
            messages = self.notifications.of_orders(ids)
            for order in page:
                of_order = [message for message in messages if message["orderId"] == order["id"]]
                yield {**order, "payments": payments.get(order["id"], []), "messages": of_order}


def _array(name: str, items: Iterator[dict[str, Any]]) -> Iterator[str]:
    yield f', "{name}": ['
    for place, item in enumerate(items):
        yield ("," if place else "") + "\n" + _json(item)
    yield "]"


def _json(value: dict[str, Any]) -> str:
    return json.dumps({_camel(name): each for name, each in value.items()}, ensure_ascii=False, default=_text)


def _text(value: object) -> str:
    return value.isoformat().replace("+00:00", "Z") if isinstance(value, datetime) else str(value)


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(map(str.capitalize, others))
