"""Who did what is on the timeline of an order: the operator's account by name, for operators only."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import Depends

from api.dependencies import Identity
from api.orders.schemas import EventOperator
from services.identity.service import IdentityService
from services.orders.status import OrderEventType
from services.orders.views import EventView

#: `refund_payment: mark_done by <account>, transfer 4711` and `cancel by <account>, asked by phone`: the account stands
#: before all that a person has typed.
_BY_ACCOUNT = re.compile(
    r"(?:[^\s:]+: )?[a-z_]+ by (?P<id>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})(?:, .*)?", re.DOTALL
)
_DONE_BY_OPERATORS = (OrderEventType.RESOLVED, OrderEventType.OPERATOR_ACTION)


@dataclass(frozen=True)
class EventOperators:
    """The operators of entries, over identity."""

    identity: IdentityService

    def of(self, events: Sequence[EventView]) -> Mapping[int, EventOperator]:
        """By the id of the entry. An entry of a token, of the command line, or of a deleted account has none."""
        by_event = {event.id: account for event in events if (account := _account(event))}
        found = self.identity.contacts(list({*by_event.values()})) if by_event else {}
        return {
            event_id: EventOperator(id=account, name=found[account].first_name, email=found[account].email)
            for event_id, account in by_event.items()
            if account in found
        }


def _account(event: EventView) -> UUID | None:
    if event.type not in _DONE_BY_OPERATORS:
        return None
    done = _BY_ACCOUNT.fullmatch(event.detail or "")
    return UUID(done["id"]) if done else None


async def _operators(identity: Identity) -> EventOperators:
    return EventOperators(identity)


Operators = Annotated[EventOperators, Depends(_operators)]
