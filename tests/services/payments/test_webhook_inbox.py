"""Webhooks of the provider: stored once, never trusted, and used to find payments."""

from __future__ import annotations

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import permutations
from uuid import UUID

import pytest
from structlog.testing import capture_logs

from services.clock import new_id
from services.db import Database
from services.errors import Invalid, InvalidSignature, NotFound
from services.payments.gateway import GatewayUnknown
from services.payments.service import PaymentService
from services.payments.status import PaymentStatus
from services.payments.views import PaymentStatusReport, WebhookReceipt
from services.payments.webhook_inbox_repository import KEPT_DAYS
from tests.fakes.clock import FakeClock
from tests.fakes.gateway import FaultyGateway
from tests.services.payments.conftest import ProviderLedger, a_charge

HERE = "127.0.0.1"


def a_message(provider_id: str, status: str = "succeeded", reference: UUID | str | None = None, **more: str) -> bytes:
    metadata = {"reference": str(reference), "order": str(new_id())}
    subject = {"id": provider_id, "status": status, "metadata": metadata} | more
    return json.dumps({"type": "notification", "event": f"payment.{status}", "object": subject}).encode()


def kept(database: Database) -> int:
    with database.transaction() as tx:
        return int(tx.fetch_value("SELECT count(*) FROM payments.inbox"))


def test_F43_T97_one_webhook_delivered_a_hundred_times(service: PaymentService, database: Database) -> None:
    view = service.charge(a_charge())
    message = a_message(str(view.provider_id), reference=view.id)
    with ThreadPoolExecutor(50) as pool:
        received = list(pool.map(lambda _: service.receive_webhook("yookassa", {}, message, HERE), range(100)))
    assert received.count(WebhookReceipt(view.id, view.order_id, is_new=True)) == 1
    assert received.count(WebhookReceipt(view.id, view.order_id, is_new=False)) == 99
    assert kept(database) == 1
    assert service.get(view.id) == view


@pytest.mark.parametrize("status", ["canceled", "pending", "waiting_for_capture"])
def test_F48_T71_a_stale_or_forged_webhook_changes_nothing(service: PaymentService, status: str) -> None:
    view = service.charge(a_charge())
    service.receive_webhook("yookassa", {}, a_message(str(view.provider_id), status, view.id), HERE)
    assert service.get(view.id) == view == service.refresh(view.id)


def test_T101_F42_a_webhook_of_an_unknown_payment_is_not_stored(service: PaymentService, database: Database) -> None:
    with pytest.raises(NotFound):
        service.receive_webhook("yookassa", {}, a_message("made-before-our-commit", reference=new_id()), HERE)
    assert kept(database) == 0


@pytest.mark.parametrize("reference", ["order 17", None])
def test_T179_a_webhook_of_another_system_is_ignored(
    service: PaymentService, database: Database, reference: str | None
) -> None:
    message = a_message("made-by-another-shop", reference=reference)
    assert service.receive_webhook("yookassa", {}, message, HERE) is None
    subject = {"id": "their-refund", "status": "succeeded", "payment_id": "made-by-another-shop"}
    refund = json.dumps({"type": "notification", "event": "refund.succeeded", "object": subject}).encode()
    assert service.receive_webhook("yookassa", {}, refund, HERE) is None
    assert kept(database) == 0


@pytest.mark.parametrize(
    "changes",
    [
        {"metadata": {"reference": str(UUID(int=7))}},
        {"metadata": None},
        {"metadata": {"reference": 4711, "order": 12}},
        {"metadata": ["a", "list"]},
        {"metadata": None, "id": "22e12f66:000f"},
        {"metadata": None, "status": "Waiting-For-Bank"},
        {"metadata": None, "status": None},
    ],
    ids=str,
)
@pytest.mark.parametrize("event", ["payment.succeeded", "refund.succeeded", "payment_method.active", "deal.closed"])
def test_T179_a_webhook_of_another_site_raises_no_alarm(
    service: PaymentService, database: Database, event: str, changes: dict[str, object]
) -> None:
    subject = {"id": "made-by-another-site", "status": "succeeded"} | changes
    message = json.dumps({"type": "notification", "event": event, "object": subject}).encode()
    with capture_logs() as logs:
        assert service.receive_webhook("yookassa", {}, message, HERE) is None
    assert [entry for entry in logs if entry["log_level"] in ("warning", "error")] == []
    assert kept(database) == 0


def test_a_refund_webhook_names_its_payment(service: PaymentService) -> None:
    view = service.charge(a_charge())
    subject = {"id": "some-refund", "status": "succeeded", "payment_id": view.provider_id}
    message = json.dumps({"type": "notification", "event": "refund.succeeded", "object": subject}).encode()
    assert service.receive_webhook("yookassa", {}, message, HERE) == WebhookReceipt(
        view.id, view.order_id, is_new=True, refund_id="some-refund"
    )


def test_a_webhook_of_another_type_is_ignored(service: PaymentService, database: Database) -> None:
    subject = {"id": "p-1", "status": "succeeded"}
    message = json.dumps({"type": "notification", "event": "payout.succeeded", "object": subject}).encode()
    assert service.receive_webhook("yookassa", {}, message, HERE) is None
    assert kept(database) == 0


@pytest.mark.parametrize("source", ["8.8.8.8", "185.71.78.1", "", "localhost", None, "::ffff:8.8.8.8", "fe80::1"])
def test_T95_a_webhook_from_another_address(service: PaymentService, source: str | None) -> None:
    view = service.charge(a_charge())
    with pytest.raises(InvalidSignature):
        service.receive_webhook("yookassa", {}, a_message(str(view.provider_id), reference=view.id), source)


def test_an_ipv4_mapped_address_is_accepted(service: PaymentService) -> None:
    view = service.charge(a_charge())
    message = a_message(str(view.provider_id), reference=view.id)
    assert service.receive_webhook("yookassa", {}, message, "::ffff:127.0.0.1") is not None


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"[]",
        b'{"type": "notification"}',
        a_message("../refunds", reference=UUID(int=7)),
        a_message("x" * 65, reference=UUID(int=7)),
        a_message("a", status="<script>"),
    ],
)
def test_T103_a_malformed_webhook(service: PaymentService, message: bytes) -> None:
    with pytest.raises(Invalid):
        service.receive_webhook("yookassa", {}, message, HERE)


def test_an_unknown_gateway(service: PaymentService) -> None:
    with pytest.raises(NotFound):
        service.receive_webhook("stripe", {}, b"{}", HERE)


@pytest.mark.parametrize("order", list(permutations(["pending", "succeeded", "canceled", "waiting_for_capture"])))
def test_F44_T99_webhooks_in_any_order_end_in_the_providers_state(
    service: PaymentService, gateway: FaultyGateway, clock: FakeClock, database: Database, order: Sequence[str]
) -> None:
    gateway.after["charge"] = GatewayUnknown("lost")
    lost = service.charge(a_charge())
    clock.set_from_database(database, 6)
    for status in order:
        received = service.receive_webhook("yookassa", {}, a_message("not-even-the-right-id", status, lost.id), HERE)
        assert received is not None
        service.refresh(received.payment_id)
    refreshed = service.get(lost.id)
    assert (refreshed.status, refreshed.captured_minor) == (PaymentStatus.SUCCEEDED, 129_900)


def test_F46_a_late_success_is_found_by_the_id_in_a_webhook(
    service: PaymentService, gateway: FaultyGateway, clock: FakeClock, database: Database, ledger: ProviderLedger
) -> None:
    gateway.after["charge"] = GatewayUnknown("lost")
    lost = service.charge(a_charge())
    clock.set_from_database(database, 6)
    gateway.hides_payments = True
    assert service.undo(lost.order_id).done
    gateway.hides_payments = False
    with database.transaction() as tx:  # outside the period in which a look-up searches the list
        moved = "UPDATE payments.payments SET created_at = created_at - interval '1 day', claimed_until = NULL"
        tx.execute(moved)
    assert service.refresh(lost.id).status is PaymentStatus.FAILED
    [there] = ledger.standins.ledger(str(lost.id))
    for provider_id in ("forged-id", there["paymentId"]):
        service.receive_webhook("yookassa", {}, a_message(provider_id, reference=lost.id), HERE)
    assert service.refresh(lost.id).captured_late
    # The step that recorded the money may have failed to send it back, so the message still asks for the refund.
    received = service.receive_webhook("yookassa", {}, a_message(there["paymentId"], reference=lost.id), HERE)
    _, report = service.receive_report(str(new_id()), lost.id, PaymentStatusReport("succeeded"))
    assert [each.late for each in (received, report) if each] == [True, True]
    assert service.refund_late(lost.id).refunded_minor == 129_900


def test_I11_a_message_is_known_for_thirty_days_and_then_deleted(
    service: PaymentService, clock: FakeClock, database: Database
) -> None:
    view = service.charge(a_charge())
    clock.set_from_database(database, 0)
    message, later = (a_message(str(view.provider_id), status, view.id) for status in ("pending", "succeeded"))
    service.receive_webhook("yookassa", {}, message, HERE)
    clock.move(days=KEPT_DAYS)
    service.receive_webhook("yookassa", {}, later, HERE)
    assert service.delete_old_messages(10) == 0
    assert service.receive_webhook("yookassa", {}, message, HERE) == WebhookReceipt(
        view.id, view.order_id, is_new=False
    )
    clock.move(seconds=1)
    assert [service.delete_old_messages(10), service.delete_old_messages(10)] == [1, 0]
    assert service.receive_webhook("yookassa", {}, later, HERE) == WebhookReceipt(view.id, view.order_id, is_new=False)
