"""A copy of all data of a person, and its deletion, over HTTP: the text of the database is searched afterwards."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from uuid import UUID

import httpx2
import pytest

from activities.notifications import NotificationActivities
from activities.polling import Wakeup
from api.identity.personal_data_schemas import PersonalDataCopy
from sandbox.binaries import find_binaries
from services.bootstrap import Services
from services.clock import new_id
from services.errors import InvalidTransition, Unauthenticated
from services.identity.views import RegisterUser
from services.notifications.budget import MessageBudget
from services.notifications.rendering import Templates
from services.notifications.service import NotificationService
from services.orders.status import FOR_OPERATORS
from services.payments.views import PaymentStatusReport
from services.reconcile.tables import check_tables
from services.secrets import Vault
from services.sms_budget import SmsBudget
from tests.api.identity.answers import problem_of
from tests.api.people import PASSWORD, Person, a_buyer, an_operators_account
from tests.api.shop import a_product, confirm, order, pay, reserve, undo
from tests.builders import an_order
from tests.services.notifications.doubles import Outbox

API = "/api/v1"
ME, EXPORT = f"{API}/users/me", f"{API}/users/me/export"
EMAIL, PHONE, CONTACT = "zinaida.q@mail.example", "+79161112233", "+79165556677"
ADDRESS = {"region": "Zlatoustkray", "city": "Yuryuzan", "street": "Kirpichny pereulok 17", "postalCode": "456120"}
NOTE = "Tante Olga moves away"
#: What a report says about a failed payment, and the number of a transfer that was made by hand.
FAILURE, TRANSFER = "the card of Z. Quibbleton is closed", "TR-2026/0417"
#: What no row may have afterwards; a name is searched as a word.
WORDS = ["Zinaida", "Quibbleton", EMAIL, "zinaida.q", PHONE, PHONE[1:], CONTACT, NOTE, FAILURE, *ADDRESS.values()]


@dataclass
class Shop:
    """A person with orders of every end, and what was sent to them."""

    services: Services
    api: httpx2.AsyncClient
    person: Person
    outbox: Outbox
    dispatch: Callable[[], object]

    async def delete(self, password: str = PASSWORD, **more: str) -> httpx2.Response:
        body = {"currentPassword": password, **more}
        return await self.api.request("DELETE", ME, json=body, headers=self.person.headers)

    async def place(self, **more: object) -> UUID:
        headers = {"Idempotency-Key": new_id().hex}
        product = a_product(self.services)
        placed = await order(self.api, self.person, product, headers=headers, **{**ADDRESS, **more})
        assert placed.status_code == 201, placed.text
        return UUID(placed.json()["orderId"])


@pytest.fixture
def shop(services: Services, api: httpx2.AsyncClient) -> Shop:
    profile = services.identity.register(RegisterUser("Zinaida", "Quibbleton", EMAIL, None, PASSWORD, "en"))
    services.database.execute(
        "UPDATE identity.users SET email_verified = true, phone = %(phone)s, phone_verified = true WHERE id = %(id)s",
        {"id": profile.id, "phone": PHONE},
    )
    token = services.sign_in.login(EMAIL, None, PASSWORD).access_token
    outbox, database, key = Outbox(), services.database, services.settings.secrets_key
    budget = MessageBudget(key, SmsBudget(services.limits, 0))
    notifications = NotificationService(database, Vault(key), outbox, outbox, Templates("Shop"), budget)
    wakeup = Wakeup(lambda *_: lambda: None, "notifications")
    activities = NotificationActivities(
        database,
        services.order_outbox,
        services.identity,
        services.account_messages,
        notifications,
        services.webhooks,
        lambda: wakeup,
    )

    def dispatch() -> None:
        activities.queue_new()
        notifications.dispatch()

    return Shop(services, api, Person(token, profile.id, EMAIL), outbox, dispatch)


async def lived(shop: Shop) -> list[UUID]:
    """Orders of this person that were confirmed, refunded in part, cancelled; and all that leaves traces."""
    services = shop.services
    kept = await shop.place(phone=CONTACT)
    reserve(services, kept)
    pay(services, kept)
    confirm(services, kept)
    cancelled = await shop.place(card="tok_succeeds")
    reserve(services, cancelled)
    pay(services, cancelled)
    services.orders.request_cancel(cancelled, None, cancel_note=NOTE, by="anna")
    services.payments.book_manually(cancelled, f"transfer {TRANSFER}; {NOTE}, {PHONE[1:]}", lost=False)
    undo(services, cancelled)
    detail = f"refund_payment: mark_done by anna, {NOTE}"
    services.database.execute(
        "INSERT INTO orders.events (order_id, key, type, status, detail, notified_at)"
        " VALUES (%(id)s, 'resolved:1', 'resolved', 'cancelled', %(detail)s, now())",
        {"id": cancelled, "detail": detail},
    )
    shop.dispatch()
    # Codes that were asked for at the addresses, a wrong password, a change that another account has asked for.
    services.codes.send(EMAIL, None, None)
    services.codes.send(None, PHONE, None)
    services.resets.request(EMAIL, None)
    await shop.api.post(f"{API}/auth/login/email", json={"email": EMAIL, "password": "wrong"})
    stranger = a_buyer(services)
    services.identifier_changes.request(services.sign_in.authenticate(stranger.token), None, PHONE, PASSWORD)
    unsent = await shop.place(card="tok_declines")
    reserve(services, unsent)
    report = PaymentStatusReport("failed", failure_code="card_closed", failure_message=FAILURE)
    services.payments.receive_report("report-1", pay(services, unsent).id, report)
    undo(services, unsent)
    return [kept, cancelled, unsent]


def dumped(services: Services) -> str:
    """The whole database as text."""
    argv = [str(find_binaries() / "pg_dump"), "--data-only", "--inserts", services.settings.database_url or ""]
    return subprocess.run(argv, check=True, capture_output=True, text=True).stdout


def sealed(services: Services, order_ids: list[UUID]) -> list[object]:
    """What is encrypted about the person: of orders, of their messages, and of any other message that is kept."""
    return services.database.fetch_column(
        "SELECT v FROM orders.orders, unnest(ARRAY[contact, payment_method]) v"
        " WHERE id = ANY(%(ids)s) AND v IS NOT NULL"
        " UNION ALL SELECT v FROM notifications.notifications, unnest(ARRAY[recipient, variables, budget_subject]) v"
        " WHERE v IS NOT NULL UNION ALL SELECT sealed FROM identity.messages WHERE sealed IS NOT NULL",
        {"ids": order_ids},
    )


async def test_T213_nothing_about_an_erased_person_is_left(shop: Shop) -> None:
    services, database = shop.services, shop.services.database
    order_ids = await lived(shop)
    before = dumped(services)
    assert [word for word in WORDS if word not in before] == [CONTACT]  # encrypted
    assert len(sealed(services, order_ids)) > 5

    answer = await shop.delete()
    assert answer.status_code == 204, answer.text
    shop.dispatch()  # the last notice
    shop.dispatch()

    after = dumped(services)
    assert [word for word in WORDS if word in after] == []
    assert TRANSFER in after  # the books need it
    assert sealed(services, order_ids) == []
    assert [mail.subject for mail in shop.outbox.mails][-1] == "Your account was deleted"
    assert database.fetch_value("SELECT count(*) FROM identity.users") == 1  # the stranger
    assert database.fetch_value("SELECT count(*) FROM idempotency.keys") == 0
    assert database.fetch_value("SELECT count(*) FROM identity.login_failures") == 0
    assert [check.violations for check in check_tables(database) if check.violations] == []
    # Money, goods and the country stay.
    kept = services.orders.get(order_ids[0])
    assert (kept.status, kept.total.text, kept.lines[0].name) == ("confirmed", "1299.00", "Lantern")
    assert (kept.address.country, kept.address.street, kept.address.city) == ("RU", "", "")
    assert services.payments.of_order(order_ids[0])[0].captured_minor == 129900
    by_operators = [event.detail for event in services.orders.events(order_ids[1]) if event.type in FOR_OPERATORS]
    assert by_operators == ["cancel by anna", "refund_payment: mark_done by anna"]


async def test_T232_no_later_report_writes_about_an_erased_person(shop: Shop) -> None:
    services = shop.services
    order_ids = await lived(shop)
    assert (await shop.delete()).status_code == 204
    report = PaymentStatusReport("failed", failure_message=FAILURE)
    for number, order_id in enumerate(order_ids):
        services.payments.receive_report(f"late-{number}", services.payments.of_order(order_id)[0].id, report)
    assert FAILURE not in dumped(services)


async def test_T214_a_refund_after_the_erasure_works_and_sends_nothing(shop: Shop, operator: Person) -> None:
    services = shop.services
    order_ids = await lived(shop)
    assert (await shop.delete()).status_code == 204
    shop.dispatch()
    sent = len(shop.outbox.mails) + len(shop.outbox.texts)
    payment = services.payments.of_order(order_ids[0])[0]
    body = {"orderId": str(order_ids[0]), "paymentId": str(payment.id), "amount": "100.00"}
    refunded = await shop.api.post(f"{API}/refunds", json=body, headers=operator.headers)
    assert (refunded.status_code, refunded.json()["status"]) == (201, "succeeded")
    shop.dispatch()
    assert len(shop.outbox.mails) + len(shop.outbox.texts) == sent
    assert [event.type for event in services.orders.events(order_ids[0])][-2:] == ["refunded", "operator_action"]
    assert [check.violations for check in check_tables(services.database) if check.violations] == []
    shown = await shop.api.get(f"{API}/orders/{order_ids[0]}", headers=operator.headers)
    assert (shown.status_code, shown.json()["street"]) == (200, "")


async def test_T215_only_the_person_can_delete_the_account(shop: Shop) -> None:
    services, api = shop.services, shop.api
    assert problem_of(await api.request("DELETE", ME, json={"currentPassword": PASSWORD})) == (401, "unauthenticated")
    assert problem_of(await shop.delete("another password here")) == (403, "invalid-credentials")
    operator = an_operators_account(services)
    body = {"currentPassword": PASSWORD}
    refused = await api.request("DELETE", ME, json=body, headers=operator.headers)
    assert problem_of(refused) == (422, "invalid-code")
    wrong = await api.request(
        "DELETE", ME, json={**body, "otp": "ABCD-EFGH-IJKL-MNOP-QRST-UVWX"}, headers=operator.headers
    )
    assert problem_of(wrong) == (422, "invalid-code")
    assert services.identity.profile(operator.id or UUID(int=0)).email == operator.email


async def test_T215_open_orders_are_refused_with_what_to_do(shop: Shop) -> None:
    order_id = await shop.place(card="tok_succeeds")
    refused = await shop.delete()
    assert problem_of(refused) == (409, "invalid-transition")
    assert refused.json()["detail"] == (
        "1 order is still open: cancel each, or wait until it is confirmed; then ask again."
    )
    undo(shop.services, order_id)
    assert (await shop.delete()).status_code == 204


async def test_T216_an_erased_account_ends_at_once_and_its_addresses_are_free(shop: Shop) -> None:
    services, api, headers = shop.services, shop.api, shop.person.headers
    refresh = services.sign_in.login(EMAIL, None, PASSWORD).refresh_token
    assert (await shop.delete()).status_code == 204
    assert problem_of(await api.get(ME, headers=headers)) == (401, "unauthenticated")
    assert problem_of(await shop.delete()) == (401, "unauthenticated")
    renewed = await api.post(f"{API}/auth/refresh", json={"refreshToken": refresh})
    assert problem_of(renewed) == (401, "invalid-token")
    signed = await api.post(f"{API}/auth/login/email", json={"email": EMAIL, "password": PASSWORD})
    assert problem_of(signed) == (401, "invalid-credentials")
    names = {"firstName": "Zinaida", "lastName": "", "password": PASSWORD}
    again = await api.post(f"{API}/auth/register/email", json={**names, "email": EMAIL})
    assert again.status_code == 201
    other = await api.post(f"{API}/auth/register/phone", json={**names, "phone": PHONE})
    assert other.status_code == 201
    assert again.json()["id"] != str(shop.person.id)


async def test_T217_an_order_placed_at_the_moment_of_the_erasure_is_in_it_or_refused(shop: Shop) -> None:
    """The erasure and the orders of a buyer wait for each other; none is stored for an erased one."""
    services, person = shop.services, shop.person
    assert person.id is not None
    caller = services.sign_in.authenticate(person.token)
    services.personal_data.erase_own(caller, PASSWORD, None)
    with pytest.raises(Unauthenticated):
        services.orders.place(an_order(buyer_id=person.id))
    assert services.database.fetch_value("SELECT count(*) FROM orders.orders") == 0
    assert services.database.fetch_value("SELECT count(*) FROM orders.outbox") == 0


async def test_T217_orders_race_with_the_erasure(shop: Shop) -> None:
    services, person = shop.services, shop.person
    assert person.id is not None
    caller, buyer_id = services.sign_in.authenticate(person.token), person.id

    def place(_: int) -> str:
        try:
            services.orders.place(an_order(buyer_id=buyer_id))
        except Unauthenticated:
            return "refused"
        return "placed"

    def erase() -> str:
        try:
            services.personal_data.erase_own(caller, PASSWORD, None)
        except InvalidTransition:
            return "open orders"
        return "erased"

    with ThreadPoolExecutor(8) as pool:
        orders = [pool.submit(place, number) for number in range(4)]
        end = pool.submit(erase)
        placed = [each.result() for each in orders].count("placed")
    stored = services.database.fetch_value("SELECT count(*) FROM orders.orders")
    assert stored == placed
    assert (end.result() == "erased") == (placed == 0)


async def test_T218_the_copy_has_everything_that_is_held(shop: Shop) -> None:
    order_ids = await lived(shop)
    answer = await shop.api.get(EXPORT, headers=shop.person.headers)
    assert answer.headers["content-disposition"] == 'attachment; filename="my-data.json"'
    copy = answer.json()
    assert (copy["account"]["firstName"], copy["account"]["phone"]) == ("Zinaida", PHONE)
    assert [order["id"] for order in copy["orders"]] == [str(each) for each in order_ids]
    kept, cancelled, _ = copy["orders"]
    assert (kept["contactPhone"], kept["address"]["street"]) == (CONTACT, ADDRESS["street"])
    assert (kept["payments"][0]["amount"], kept["payments"][0]["method"]) == ("1299.00", "phone")
    assert (cancelled["cancelNote"], cancelled["payments"][0]["refunds"][0]["amount"]) == (NOTE, "1299.00")
    assert {message["to"] for message in kept["messages"]} == {EMAIL, PHONE, CONTACT}
    assert [session["endedAt"] for session in copy["sessions"]] == [None]
    secrets = ("hash", "sealed", "tok_succeeds", "$argon2", '"code"')
    assert [word for word in secrets if word in answer.text.lower()] == []
    assert len(PersonalDataCopy.model_validate(copy).orders) == 3


async def test_T218_the_copy_is_one_document_in_parts_with_all_orders(shop: Shop) -> None:
    """More orders than one read; two people are never mixed, and the copy is limited."""
    services, person = shop.services, shop.person
    assert person.id is not None
    other = a_buyer(services)
    for buyer in (person.id, other.id):
        services.database.execute(MANY, {"buyer": buyer, "orders": 250})
    parts = list(services.personal_data.export(person.id))
    assert len(parts) > 250
    orders = json.loads("".join(parts))["orders"]
    assert len({order["id"] for order in orders}) == 250
    owned = services.database.fetch_column("SELECT id FROM orders.orders WHERE buyer_id = %(b)s", {"b": person.id})
    assert {order["id"] for order in orders} == {str(each) for each in owned}


async def test_T218_a_copy_needs_an_account(api: httpx2.AsyncClient, operator: Person) -> None:
    assert problem_of(await api.get(EXPORT, headers=operator.headers)) == (404, "not-found")
    assert problem_of(await api.get(EXPORT)) == (401, "unauthenticated")


MANY = """
    INSERT INTO orders.orders (id, buyer_id, status, total_minor, currency, country, region, city, street, language,
                               start_input)
    SELECT uuidv7(), %(buyer)s, 'confirmed', 100, 'RUB', 'RU', 'r', 'c', 's', 'ru', '{}'
      FROM generate_series(1, %(orders)s)
    """
