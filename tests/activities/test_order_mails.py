"""E-mails of orders as a mail server receives them: headers, goods, sums, address, links."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from email.message import EmailMessage
from html import unescape
from uuid import UUID

import pytest

from activities.notifications import NotificationActivities
from activities.polling import Wakeup
from services.bootstrap import Services
from services.db import Database
from services.identity.views import RegisterUser
from services.notifications.mail import SmtpMailSender
from services.notifications.rendering import Templates
from services.notifications.service import NotificationService
from services.notifications.shop_links import ShopLinks
from services.order_number import order_number
from services.orders.status import CancelReason, OrderEventType
from services.orders.views import Address, NewOrder
from services.secrets import Vault
from tests.activities.test_notifications import RUN, reserve_and_pay
from tests.builders import KEY, a_message_budget, a_product, an_order
from tests.fakes.clock import FakeClock
from tests.services.notifications.doubles import Outbox
from tests.services.notifications.sinks import MailServer, mail_server

ADDRESS = Address("RU", "Московская область", "Химки", "ул.Ленина, д.5", "141400")
LINKS = ShopLinks(order="https://shop.example/orders/{orderId}")


@pytest.fixture
def server() -> Iterator[MailServer]:
    server = MailServer()
    with mail_server(server):
        yield server


@pytest.fixture
def activities(
    services: Services, database: Database, server: MailServer, clock: FakeClock
) -> Iterator[NotificationActivities]:
    templates = Templates("Northern Lights", LINKS, replies=True)
    address, budget = f"smtp://127.0.0.1:{server.port}", a_message_budget(database, clock)
    with closing(SmtpMailSender(address, "Лавка <orders@shop.example>", "shop.example", "help@shop.example")) as sender:
        notifications = NotificationService(
            database.with_clock(clock), Vault(KEY), sender, Outbox(), templates, budget, monotonic=clock.monotonic
        )
        yield NotificationActivities(
            services.database,
            services.order_outbox,
            services.identity,
            services.account_messages,
            notifications,
            services.webhooks,
            lambda: Wakeup(lambda *_: lambda: None, "notifications"),
        )


@pytest.fixture
def received(activities: NotificationActivities, server: MailServer) -> Callable[[], EmailMessage]:
    """Queues and sends what is due; the newest mail."""

    def newest() -> EmailMessage:
        while activities.queue_new():
            activities.notifications.dispatch()
        return server.mails[-1]

    return newest


@pytest.fixture
def buyer_id(services: Services) -> UUID:
    return services.identity.register(RegisterUser("Anna", "P", "anna@example.com", None, "a kettle on the sill")).id


def an_order_of_lamps(buyer_id: UUID, language: str = "en", card: str | None = "tok_succeeds") -> NewOrder:
    """Two teapots and a lamp, 45.97 GBP."""
    teapot, lamp = (
        replace(a_product(price, "GBP"), name=name) for price, name in (("9.99", "Teapot <1 l>"), ("25.99", "Lamp"))
    )
    order = an_order(teapot, lamp, buyer_id=buyer_id, card=card)
    return replace(order, quantities={teapot.id: 2, lamp.id: 1}, address=ADDRESS, language=language)


def forms(mail: EmailMessage) -> dict[str, str]:
    """The plain text, and the HTML as a person reads it, with the addresses of its links."""
    plain, html = (part.get_content() for part in mail.iter_parts())
    shown = re.sub(r'<a [^>]*href="([^"]*)"[^>]*>', r" \1 ", html.partition("<body")[2].partition(">")[2])
    return {"text": " ".join(plain.split()), "html": " ".join(unescape(re.sub(r"<[^>]*>", " ", shown)).split())}


def test_a_mail_has_the_headers_of_an_automatic_message_that_can_be_replied_to(
    services: Services, received: Callable[[], EmailMessage], buyer_id: UUID
) -> None:
    order_id = services.orders.place(an_order_of_lamps(buyer_id, "ru")).order.id
    mail = received()
    assert mail.defects == []
    assert {name: mail[name] for name in ("From", "Reply-To", "To", "Subject", "Auto-Submitted", "MIME-Version")} == {
        "From": "Лавка <orders@shop.example>",
        "Reply-To": "help@shop.example",
        "To": "anna@example.com",
        "Subject": f"Заказ {order_number(str(order_id))} принят",
        "Auto-Submitted": "auto-generated",
        "MIME-Version": "1.0",
    }
    assert re.fullmatch(r"<[0-9a-f-]{36}@shop\.example>", mail["Message-ID"])
    assert mail["Date"].datetime is not None
    assert mail.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in mail.iter_parts()] == ["text/plain", "text/html"]


@pytest.mark.parametrize("event", ["created", "paid", "confirmed", "cancelled", "refunded"])
def test_a_mail_says_what_was_ordered_for_how_much_and_where_it_goes(
    services: Services, received: Callable[[], EmailMessage], buyer_id: UUID, event: str
) -> None:
    order_id = services.orders.place(an_order_of_lamps(buyer_id)).order.id
    live(services, order_id, event)
    number = order_number(str(order_id))
    mail = received()
    assert number in mail["Subject"]
    for text in forms(mail).values():
        for said in (
            "Teapot <1 l>",
            "2 × £9.99",
            "£19.98",
            "Lamp",
            "£25.99",
            "£45.97",
            number,
            str(order_id),
            "ул. Ленина, д. 5, Химки, Московская область, 141400, Russia",
            f"https://shop.example/orders/{order_id}",
            "Any questions? Reply to this message.",
        ):
            assert said in text


def live(services: Services, order_id: UUID, event: str) -> None:
    """Take a placed order to an event."""
    steps = services.order_transitions
    if event == "created":
        return
    reserve_and_pay(services, order_id)
    if event == "confirmed":
        steps.confirmed(order_id)
    elif event == "cancelled":
        steps.begin_cancel(order_id, RUN, CancelReason.BUYER_REQUEST)
        steps.cancelled(order_id)
    elif event == "refunded":
        steps.note(order_id, OrderEventType.REFUNDED, "refunded:1", amount_minor=1000)


def test_a_partial_refund_says_both_sums(
    services: Services, received: Callable[[], EmailMessage], buyer_id: UUID
) -> None:
    order_id = services.orders.place(an_order_of_lamps(buyer_id)).order.id
    live(services, order_id, "refunded")
    assert "Refunded: £10.00 Order total: £45.97" in forms(received())["text"]


@pytest.mark.parametrize(
    ("card", "said"),
    [
        (None, "Please pay for it on its page within 15 minutes, or it will be cancelled."),
        ("tok_succeeds", "If your bank or mobile operator asks you to confirm the payment, please do so."),
    ],
)
def test_a_new_order_says_what_the_buyer_has_to_do(
    services: Services, received: Callable[[], EmailMessage], buyer_id: UUID, card: str | None, said: str
) -> None:
    services.orders.place(an_order_of_lamps(buyer_id, card=card))
    assert said in forms(received())["text"]


def test_a_mail_names_twenty_products_and_the_number_of_the_others(
    services: Services, database: Database, received: Callable[[], EmailMessage], buyer_id: UUID
) -> None:
    products = [replace(a_product(), name=f"{'лампа ' * 33}{number}"[-200:]) for number in range(500)]
    services.orders.place(replace(an_order(*products, buyer_id=buyer_id), language="en"))
    for text in forms(received()).values():
        assert text.count("RUB 10.00") == 20
        assert "And 480 more" in text


def test_what_is_stored_of_a_large_order_is_bounded(
    services: Services, database: Database, activities: NotificationActivities, buyer_id: UUID
) -> None:
    products = [replace(a_product(), name="щ" * 200) for _ in range(500)]
    services.orders.place(an_order(*products, buyer_id=buyer_id))
    activities.queue_new()
    assert database.fetch_value("SELECT octet_length(variables) FROM notifications.notifications") < 8 * 1024


@pytest.mark.parametrize(
    ("street", "shown"),
    [("Win at evil.example/prize", "Win at evil. example/prize"), ("https://evil.example", None), ("a@evil", None)],
)
def test_T134_the_address_of_an_order_makes_no_link(
    services: Services, received: Callable[[], EmailMessage], buyer_id: UUID, street: str, shown: str | None
) -> None:
    order = replace(an_order_of_lamps(buyer_id), address=replace(ADDRESS, street=street))
    services.orders.place(order)
    for text in forms(received()).values():
        assert "evil.example" not in text
        assert (shown in text) if shown else ("evil" not in text)
        assert "Химки, Московская область" in text
