"""SQL of the messages of a person: found by the orders that they are about, or by the hash of their recipient."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from services.archived_rows import archived, either
from services.db import Executor


@dataclass(frozen=True)
class PersonalMessage:
    """A stored message without its variables."""

    id: UUID
    order_id: UUID | None
    channel: str
    template: str
    language: str
    status: str
    created_at: datetime
    sent_at: datetime | None
    recipient: bytes | None = field(repr=False)


def of_orders(tx: Executor, order_ids: Sequence[UUID]) -> list[PersonalMessage]:
    """The messages about orders, oldest first."""
    return tx.fetch_all(_OF_ORDERS, {"orders": list(order_ids)}, into=PersonalMessage)


def of_subjects(tx: Executor, subjects: Collection[bytes], after: UUID | None, limit: int) -> list[PersonalMessage]:
    """Messages about no order whose recipient has one of these hashes, in the order of their ids, after an id."""
    values = {"subjects": list(subjects), "after": after, "limit": limit}
    return tx.fetch_all(_OF_SUBJECTS, values, into=PersonalMessage)


def erase_orders(tx: Executor, order_ids: Sequence[UUID]) -> None:
    """Erase the messages about orders; what is queued is not sent any more."""
    for statement in (_ERASE_ORDERS, archived(_ERASE_ORDERS)):
        tx.execute(statement, {"orders": list(order_ids)})


def erase(tx: Executor, message_ids: Sequence[UUID]) -> None:
    """Erase messages; what is queued is not sent any more."""
    tx.execute(_ERASE_MESSAGES, {"ids": list(message_ids)})


_COLUMNS = "id, order_id, channel, template, language, status, created_at, sent_at, recipient"
_OF_ORDERS = either(
    f"""
    SELECT {_COLUMNS} FROM notifications.notifications WHERE order_id = ANY(cast(%(orders)s AS uuid[]))
    """,  # noqa: S608 - a constant
    "ORDER BY id",
)
_OF_SUBJECTS = f"""
    SELECT {_COLUMNS} FROM notifications.notifications
     WHERE budget_subject = ANY(cast(%(subjects)s AS bytea[])) AND order_id IS NULL
       AND (cast(%(after)s AS uuid) IS NULL OR id > %(after)s)
     ORDER BY id LIMIT %(limit)s
    """  # noqa: S608 - constants of this module
# The answer of a mail server that `error_message` quotes may name the recipient.
_ERASE = """
    UPDATE notifications.notifications
       SET recipient = NULL, variables = NULL, budget_subject = NULL, error_message = NULL,
           status = CASE status WHEN 'queued' THEN 'suppressed' ELSE status END
    """
_ERASE_ORDERS = f"{_ERASE} WHERE order_id = ANY(cast(%(orders)s AS uuid[]))"
_ERASE_MESSAGES = f"{_ERASE} WHERE id = ANY(cast(%(ids)s AS uuid[]))"
