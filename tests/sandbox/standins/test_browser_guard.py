"""What web pages of others make a browser send to the stand-ins is refused; the shop's own calls are answered."""

from __future__ import annotations

import pytest

from sandbox.standins.running import StandIns, running_stand_ins
from tests.sandbox.standins.clients import Shop, new_key
from tests.sandbox.standins.senders import send_sms

PATHS = (
    "/",
    "/inbox",
    "/ledger",
    "/ledger.html",
    "/messages",
    "/scripts",
    "/webhooks",
    "/confirm/none",
    "/v3/payments",
)
FOREIGN = [
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "cross-site", "Origin": "null"},
    {"Sec-Fetch-Site": "same-site", "Origin": "http://127.0.0.1:3000"},
    {"Origin": "https://attacker.example"},
    {"Origin": "http://127.0.0.1:3000"},
    {"Origin": "null"},
]
CHANGES = [
    ("POST", "/confirm/none"),
    ("POST", "/outage"),
    ("POST", "/webhooks"),
    ("DELETE", "/webhooks"),
    ("DELETE", "/inbox"),
    ("POST", "/2010-04-01/Accounts/sandbox/Messages.json"),
    ("POST", "/v3/payments"),
]


@pytest.mark.parametrize("host", ["attacker.example", "attacker.example:{port}", "127.0.0.1.attacker.example", "", "["])
@pytest.mark.parametrize("path", PATHS)
def test_T163_a_foreign_host_name_is_refused(stand_ins: StandIns, path: str, host: str) -> None:
    host = host.format(port=stand_ins.settings["SANDBOX_PORT"])
    refused = stand_ins.client.get(f"{stand_ins.url}{path}", headers={"Host": host})
    # The listener itself refuses what is no host name.
    assert (refused.status_code, "items" in refused.text) == (400 if host == "[" else 421, False)


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:{port}", "127.0.0.1", "[::1]:{port}"])
def test_names_of_the_loopback_are_answered(stand_ins: StandIns, host: str) -> None:
    host = host.format(port=stand_ins.settings["SANDBOX_PORT"])
    assert stand_ins.client.get(f"{stand_ins.url}/inbox", headers={"Host": host}).status_code == 200


def test_names_that_are_set_are_answered() -> None:
    with running_stand_ins(SANDBOX_NAMES="sandbox, standins") as stand_ins:
        for host, status in (("sandbox:8100", 200), ("standins", 200), ("other", 421), ("127.0.0.1", 200)):
            assert stand_ins.client.get(f"{stand_ins.url}/inbox", headers={"Host": host}).status_code == status


@pytest.mark.parametrize("headers", FOREIGN, ids=str)
@pytest.mark.parametrize(("method", "path"), CHANGES)
def test_T163_a_change_from_another_site_is_refused(
    stand_ins: StandIns, method: str, path: str, headers: dict[str, str]
) -> None:
    text = new_key()
    send_sms(stand_ins, {"To": "+79161234568", "From": "Shop", "Body": text})
    assert stand_ins.client.request(method, f"{stand_ins.url}{path}", headers=headers).status_code == 403
    assert text in [message["text"] for message in stand_ins.inbox(channel="sms")]


def test_T163_a_page_of_another_site_cannot_approve_a_payment(stand_ins: StandIns, shop: Shop) -> None:
    payment = shop.pay("tok_confirms_on_page")
    page = f"{stand_ins.url}/confirm/{payment['id']}"
    for headers in FOREIGN:
        assert stand_ins.client.post(page, data={"decision": "approve"}, headers=headers).status_code == 403
    assert shop.payment(payment["id"])["status"] == "pending"

    own = {"Sec-Fetch-Site": "same-origin", "Origin": "null"}
    assert stand_ins.client.post(page, data={"decision": "approve"}, headers=own).status_code == 303
    assert shop.payment(payment["id"])["status"] == "succeeded"


def test_a_link_from_the_shop_to_the_confirmation_page_is_followed(stand_ins: StandIns, shop: Shop) -> None:
    payment = shop.pay("tok_confirms_on_page")
    headers = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    assert stand_ins.client.get(f"{stand_ins.url}/confirm/{payment['id']}", headers=headers).status_code == 200


def test_a_form_of_a_browser_without_sec_fetch_site_is_accepted_from_its_own_page(stand_ins: StandIns) -> None:
    page = stand_ins.client.get(f"{stand_ins.url}/")
    assert page.headers["referrer-policy"] == "same-origin"  # with no-referrer the origin would be `null`
    sent = stand_ins.client.post(f"{stand_ins.url}/confirm/none", data={}, headers={"Origin": stand_ins.url})
    assert sent.status_code == 400
