"""T113, T114: personal data and secrets are stored only where they must be, also when requests fail."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import httpx2
import pytest

from sandbox.settings import StackSettings
from services.identity.signing_keys import KEY_FILE
from tests.journeys.canaries import Canaries, a_secret, columns, events, histories, logs, stored_files
from tests.journeys.conftest import running
from tests.journeys.customers import FINAL_STATUSES, answered, problem
from tests.journeys.shop import CHEAP_PASSWORDS, Shop
from tests.journeys.waiting import until

PAN = "4929420573595709"
#: The columns that may hold a value in plain text, by the kind of value.
ALLOWED = {
    "email": {"identity.users.email", "identity.users.email_canonical", "identity.tokens.identifier"},
    "account phone": {"identity.users.phone", "identity.tokens.identifier"},
    "first name": {"identity.users.first_name"},
    "last name": {"identity.users.last_name"},
    "region": {"orders.orders.region"},
    "city": {"orders.orders.city"},
    "street": {"orders.orders.street"},
    "reason": {"orders.orders.cancel_note"},
    "browser": {"identity.sessions.client"},
}


class Visitor:
    """A client that sends only canaries; keeps the error responses."""

    def __init__(self, shop: Shop, canaries: Canaries) -> None:
        self.shop, self.canaries = shop, canaries
        self.refusals: list[bytes] = []
        browser = canaries.keep("browser", a_secret("browser"))
        hostile = {"User-Agent": browser + ' \\r\\n{"event": "forged"}', "X-Request-Id": '"}{"event":"forged"}'}
        self.http = httpx2.Client(
            base_url=f"{shop.stack.addresses.api}/api/v1",
            timeout=60,
            headers={"Accept-Language": "en", **hostile},
            event_hooks={"response": [self._gather]},
        )

    def _gather(self, answer: httpx2.Response) -> None:
        if answer.status_code >= 400:
            self.refusals.append(answer.read() + str(answer.headers).encode())

    def post(self, path: str, *statuses: int, **body: Any) -> dict[str, Any]:
        """Check the status of the response; returns its body, or an empty one."""
        answer = self.http.post(path, json=body)
        assert answer.status_code in statuses, f"{path}: {answer.status_code} {answer.text}"
        found: dict[str, Any] = answer.json() if answer.content else {}
        return found

    def refused(self, path: str, **body: Any) -> tuple[int, str]:
        """Status and problem slug of the error response."""
        return problem(self.http.post(path, json=body))

    def log_in(self, kind: str, password: str) -> str:
        """The refresh token of a new session."""
        identifier = {kind: self.canaries.values["email" if kind == "email" else "account phone"]}
        pair = self.post(f"/auth/login/{kind}", 200, **identifier, password=password)
        number = len(self.canaries.values)
        self.canaries.keep(f"access token {number}", pair["accessToken"])
        self.http.headers["Authorization"] = f"Bearer {pair['accessToken']}"
        return self.canaries.keep(f"refresh token {number}", pair["refreshToken"])

    def received(self, to: str, pattern: str) -> str:
        """The first group of `pattern` in the newest message to this address that matches it."""
        messages = until(
            lambda: [found[1] for one in self.shop.inbox(to) if (found := re.search(pattern, str(one["text"])))]
        )
        return messages[-1]


@pytest.fixture(scope="module")
def searched_shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """A shop for these tests only; every step is a regular activity, so that histories contain it."""
    settings = StackSettings.for_tests(tmp_path_factory.mktemp("canaries"))
    with running(replace(settings, separate=True, env={**CHEAP_PASSWORDS, "LOCAL_LANE": "off"})) as shop:
        yield shop


@pytest.fixture(scope="module")
def canaries(searched_shop: Shop) -> Canaries:
    """The canaries, starting with the secrets of the shop itself."""
    folder = searched_shop.stack.settings.data_dir
    made = Canaries()
    made.keep_all("shop's", json.loads((folder / "secrets.json").read_text()))
    made.keep("signing key", (folder / KEY_FILE).read_text().split("\n")[1])
    return made


@pytest.fixture(scope="module")
def visitor(searched_shop: Shop, canaries: Canaries) -> Iterator[Visitor]:
    """A client that has used every endpoint."""
    visitor = Visitor(searched_shop, canaries)
    with visitor.http:
        registers(visitor)
        verifies(visitor)
        changes_passwords(visitor)
        buys(visitor)
        sends_invalid_requests(visitor)
        uses_the_api_while_the_database_is_down(visitor)
        searched_shop.wait_for_delivery()
        yield visitor


def registers(visitor: Visitor) -> None:
    keep = visitor.canaries.keep
    names = {
        "firstName": keep("first name", a_secret("first") + "'\"}{$ENV} %s <b>"),
        "lastName": keep("last name", a_secret("last")),
    }
    password = keep("password", a_secret("password"))
    email, phone = keep("email", f"{a_secret('mail')}@example.com"), keep("account phone", "+79164829375")
    visitor.post("/auth/register/email", 201, **names, email=email, password=password)
    visitor.post("/auth/register/phone", 201, **names, phone=phone, password=password)
    assert visitor.refused("/auth/register/email", **names, email=email, password=password)[0] == 409
    refresh = visitor.log_in("email", password)
    pair = visitor.post("/auth/refresh", 200, refreshToken=refresh)
    keep("rotated refresh token", pair["refreshToken"])
    assert visitor.post("/auth/refresh", 200, refreshToken=refresh) == pair
    assert visitor.refused("/auth/refresh", refreshToken=keep("unknown refresh token", a_secret("refresh"))) == (
        401,
        "invalid-token",
    )
    visitor.post("/auth/logout", 204, refreshToken=visitor.log_in("phone", password))
    del visitor.http.headers["Authorization"]  # its session has ended


def verifies(visitor: Visitor) -> None:
    for kind, canary in (("email", "email"), ("phone", "account phone")):
        identifier = visitor.canaries.values[canary]
        visitor.post(f"/auth/verify/{kind}/send", 202, **{kind: identifier})
        code = visitor.canaries.keep(f"{kind} code", visitor.received(identifier, r"(?<!\d)(\d{6})(?!\d)"))
        wrong = f"{(int(code) + 1) % 1_000_000:06}"
        assert visitor.refused(f"/auth/verify/{kind}/confirm", **{kind: identifier}, code=wrong)[1] == "invalid-code"
        visitor.post(f"/auth/verify/{kind}/confirm", 200, **{kind: identifier}, code=code)


def changes_passwords(visitor: Visitor) -> None:
    keep, values = visitor.canaries.keep, visitor.canaries.values
    visitor.log_in("email", values["password"])
    changed, wrong = keep("changed password", a_secret("changed")), keep("wrong password", a_secret("wrong"))
    body = {"currentPassword": wrong, "newPassword": changed}
    assert visitor.refused("/auth/password/change", **body) == (403, "invalid-credentials")
    visitor.post("/auth/password/change", 204, currentPassword=values["password"], newPassword=changed)
    visitor.post("/auth/password/reset/request", 202, email=values["email"])
    token = keep("reset token", visitor.received(values["email"], r"([\w-]{40,})"))
    reset = keep("reset password", a_secret("reset"))
    guessed = keep("guessed reset token", a_secret("guess") * 2)
    assert visitor.refused("/auth/password/reset/confirm", resetToken=guessed, newPassword=reset)[0] == 422
    visitor.post("/auth/password/reset/confirm", 204, resetToken=token, newPassword=reset)
    visitor.log_in("email", reset)


def address(visitor: Visitor) -> dict[str, str]:
    """The delivery address of every order."""
    for name in ("region", "city", "street"):
        visitor.canaries.values.setdefault(name, a_secret(name))
    return {"country": "RU"} | {name: visitor.canaries.values[name] for name in ("region", "city", "street")}


def buys(visitor: Visitor) -> None:
    """Orders that are confirmed, declined, and cancelled with a refund."""
    keep, shop, to = visitor.canaries.keep, visitor.shop, address(visitor)
    cards = {
        "confirmed": keep("card", a_secret("card").replace("-", "_")),
        "declined": keep("declined card", "tok_declines_71.8293645"),
        "cancelled": keep("cancelled card", "tok_answers_later_3.8273941"),
        "failing": keep("failing card", "tok_error_after_charge_1.9283746"),
    }
    placed = {name: order(visitor, shop, **to, card=card) for name, card in cards.items()}
    placed["by phone"] = order(visitor, shop, **to, phone=keep("paying phone", "+79035718264"))
    reason = keep("reason", a_secret("reason")) + "\r\n{{7*7}}"
    until(lambda: status(visitor, placed["cancelled"]) == "payment_pending")
    visitor.post(f"/orders/{placed['cancelled']}/cancel", 200, 202, reason=reason)
    ends = {name: end_of(visitor, order_id) for name, order_id in placed.items()}
    assert ends == {
        "confirmed": "confirmed",
        "declined": "cancelled",
        "cancelled": "cancelled",
        "failing": "confirmed",
        "by phone": "confirmed",
    }


def order(visitor: Visitor, shop: Shop, **body: str) -> str:
    return str(visitor.post("/orders", 201, items=[{"productId": shop.product(), "quantity": 1}], **body)["orderId"])


def status(visitor: Visitor, order_id: str) -> str:
    return str(answered(visitor.http.get(f"/orders/{order_id}"), 200)["status"])


def end_of(visitor: Visitor, order_id: str) -> str:
    return until(lambda: status(visitor, order_id), lambda seen: seen in FINAL_STATUSES)


def sends_invalid_requests(visitor: Visitor) -> None:
    keep, shop, to = visitor.canaries.keep, visitor.shop, address(visitor)
    goods = {"items": [{"productId": shop.product(), "quantity": 1}]}
    pan = keep("card number", PAN)
    assert visitor.refused("/orders", **goods, **to, card=pan) == (422, "card-number-not-accepted")
    code = keep("security code", a_secret("cvv"))
    assert visitor.refused("/orders", **goods, **to, card="tok_succeeds", cvv=code) == (422, "validation-error")
    query = keep("query", a_secret("query"))
    for method, path in (("GET", f"/products?q={query}&limit=x"), ("DELETE", f"/orders?{query}")):
        assert visitor.http.request(method, path).status_code in (404, 405, 422)
    raw = keep("broken body", a_secret("body"))
    broken = visitor.http.post("/orders", content=f'{{"card": "{raw}', headers={"Content-Type": "application/json"})
    assert problem(broken) == (400, "malformed-json")
    escaping = visitor.http.get("/products", headers={"X-Name": "\x1b[31mforged"})
    assert (escaping.status_code, escaping.text) == (400, "Invalid HTTP request received.")
    forged = keep("forged token", a_secret("token"))
    with httpx2.Client(base_url=visitor.http.base_url, event_hooks=visitor.http.event_hooks) as stranger:
        headers = {"Authorization": f"Bearer {forged}", "Cookie": f"session={forged}"}
        assert stranger.get("/users/me", headers=headers).status_code == 401


def uses_the_api_while_the_database_is_down(visitor: Visitor) -> None:
    """Errors of database drivers contain values of the failed statement."""
    values, stack = visitor.canaries.values, visitor.shop.stack
    stack.kill("postgres")
    trying = {"email": values["email"], "password": values["reset password"]}
    assert visitor.refused("/auth/login/email", **trying) == (503, "service-unavailable")
    body = {"productId": "01900000-0000-7000-8000-000000000000", **address(visitor), "card": values["card"]}
    assert visitor.refused("/orders", **body) == (503, "service-unavailable")
    stack.start("postgres")
    until(lambda: visitor.http.get("/products").status_code == 200)


def test_T113_logs_hold_no_personal_data(visitor: Visitor, searched_shop: Shop, canaries: Canaries) -> None:
    found = {name: canaries.found_in(log) for name, log in logs(searched_shop.stack.settings.data_dir).items()}
    assert {"api.log", "workers.log"} <= found.keys()
    assert {name: kinds for name, kinds in found.items() if kinds} == {}


def test_T113_workflow_histories_hold_no_personal_data(
    visitor: Visitor, searched_shop: Shop, canaries: Canaries
) -> None:
    async def read() -> dict[str, bytes]:
        return await histories(await searched_shop.temporal())

    shown = asyncio.run(read())
    assert len([name for name in shown if name.startswith("order-")]) == 5
    assert {name: kinds for name, history in shown.items() if (kinds := canaries.found_in(history))} == {}


def test_T113_files_of_temporal_hold_no_personal_data(
    visitor: Visitor, searched_shop: Shop, canaries: Canaries
) -> None:
    files = stored_files(searched_shop.stack.settings.data_dir)
    assert b"order-" in files["temporal.db"] + files.get("temporal.db-wal", b"")
    assert {name: kinds for name, stored in files.items() if (kinds := canaries.found_in(stored, codes=False))} == {}


def test_T113_metrics_and_error_responses_hold_no_personal_data(
    visitor: Visitor, searched_shop: Shop, canaries: Canaries
) -> None:
    of_api, of_workers = httpx2.get(f"{searched_shop.stack.addresses.api}/metrics").text, searched_shop.metrics()
    assert "http_requests_total" in of_api
    assert "temporal_request_total" in of_workers
    assert canaries.found_in((of_api + of_workers).encode(), codes=False) == []
    assert len(visitor.refusals) >= 12
    assert [kinds for body in visitor.refusals if (kinds := canaries.found_in(body))] == []


def test_T113_tables_hold_personal_data_only_in_allowed_columns(
    visitor: Visitor, searched_shop: Shop, canaries: Canaries
) -> None:
    dropped = "SELECT count(*) FROM notifications.notifications WHERE status = 'sent' AND variables IS NOT NULL"
    assert searched_shop.rows(dropped) == [(0,)]
    assert searched_shop.rows("SELECT count(*) >= 15 FROM notifications.notifications WHERE status = 'sent'") == [
        (True,)
    ]
    held = {name: canaries.found_in(content) for name, content in columns(searched_shop)}
    wrong = {name: [kind for kind in kinds if name not in ALLOWED.get(kind, ())] for name, kinds in held.items()}
    assert {name: kinds for name, kinds in wrong.items() if kinds} == {}
    # the search finds values where they are allowed
    assert "email" in held["identity.users.email"]
    assert "street" in held["orders.orders.street"]


def test_T114_each_log_line_is_one_json_event(visitor: Visitor, searched_shop: Shop) -> None:
    written = logs(searched_shop.stack.settings.data_dir)
    kept = [event for name in ("api.log", "workers.log") for event in events(written[name])]
    assert len(kept) > 5
    assert {"at", "event", "level"} <= set.intersection(*(set(event) for event in kept))
    assert [event for event in kept if "forged" in str(event)] == []
