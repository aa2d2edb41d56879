"""The MIME form of an e-mail: both texts, headers that cannot be split, and one Message-ID a notification."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes, policy
from uuid import UUID

import pytest

from services.notifications.mime import bracketed, compose, message_id
from services.notifications.ports import Email

MAIL = Email(
    id=UUID(int=1),
    to="anna@example.org",
    subject="Заказ оплачен",
    text="Спасибо",
    html="<p>Спасибо</p>",
    written_at=datetime(2026, 1, 2, tzinfo=UTC),
)


def test_a_mail_has_both_texts_and_its_headers() -> None:
    message = message_from_bytes(compose(MAIL, "Market <shop@example.org>", "example.org"), policy=policy.default)

    assert (message["to"], message["subject"]) == ("anna@example.org", "Заказ оплачен")
    assert message["message-id"] == f"<{MAIL.id}@example.org>" == message_id(MAIL.id, "example.org")
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]
    assert [part.get_content() for part in message.iter_parts()] == ["Спасибо", "<p>Спасибо</p>"]


@pytest.mark.parametrize("changes", [{"to": "a@example.org\r\nBcc: b@example.org"}, {"subject": "a\nb"}])
def test_control_characters_in_a_header_are_refused(changes: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="control characters"):
        compose(replace(MAIL, **changes), "shop@example.org", "example.org")  # type: ignore[arg-type]  # texts only


def test_an_ip_address_is_bracketed() -> None:
    assert [bracketed(host) for host in ("example.org", "127.0.0.1", "::1")] == [
        "example.org",
        "[127.0.0.1]",
        "[IPv6:::1]",
    ]
