"""The audit's view of the messages: what was sent arrived, and what was suppressed did not."""

from __future__ import annotations

from uuid import UUID

from sandbox.demo.audit import check_inbox
from sandbox.standins.inbox.messages import MessageItem
from services.clock import new_id
from services.db import Database

_MESSAGE = """
    INSERT INTO notifications.notifications (id, key, channel, template, language, status)
    VALUES (%(id)s, %(id)s, 'email', 'order_created', 'en', 'suppressed')
    """


def delivered(message_id: UUID) -> MessageItem:
    """An e-mail in the inbox."""
    return MessageItem(
        id=1,
        channel="email",
        to="anna@example.com",
        subject="",
        text="",
        html="",
        receivedAt="2026-01-01T00:00:00Z",
        headers={"Message-ID": f"<{message_id}@127.0.0.1>"},
    )


def test_T130_a_suppressed_message_must_not_arrive(database: Database) -> None:
    over = new_id()
    database.execute(_MESSAGE, {"id": over})
    assert check_inbox(database, []).holds
    (wrong,) = check_inbox(database, [delivered(over)]).violations
    assert str(over) in str(wrong) + str(wrong.ids)
