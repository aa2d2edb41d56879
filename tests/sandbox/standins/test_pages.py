"""The pages show what arrived and what the provider believes, and let no message do more than be read."""

import html
import re
import smtplib

import pytest

from sandbox.standins.running import Neighbours
from tests.sandbox.standins.doubles import Shop, new_key
from tests.sandbox.standins.test_inbox import a_mail, send_sms

EVIL = '</iframe><script>alert("x")</script>'


def test_inbox_page_escapes_subject_text_and_html(neighbours: Neighbours) -> None:
    part = new_key()
    with smtplib.SMTP("127.0.0.1", neighbours.smtp_port, timeout=5) as smtp:
        smtp.send_message(a_mail(f"{part}@example.com", subject=EVIL, text=EVIL, html=EVIL))
    page = neighbours.client.get(f"{neighbours.url}/", params={"to": part}).text

    assert "<script>alert" not in page
    (frame,) = re.findall(r"<iframe[^>]*>", page)
    assert html.unescape(re.findall(r'srcdoc="([^"]*)"', frame)[0]).strip().endswith(EVIL)
    assert 'sandbox="allow-popups allow-popups-to-escape-sandbox"' in frame


def test_inbox_page_tells_channels_apart_and_filters(neighbours: Neighbours) -> None:
    text = new_key()
    send_sms(neighbours, {"To": "+79161234568", "From": "Shop", "Body": text})
    url = f"{neighbours.url}/"

    assert text in neighbours.client.get(url, params={"channel": "sms", "to": "9161234568"}).text
    assert text not in neighbours.client.get(url, params={"channel": "email"}).text
    assert "No message fits this filter" in neighbours.client.get(url, params={"to": "nobody@example.com"}).text


def test_poll_brings_only_what_is_new(neighbours: Neighbours) -> None:
    first, second = new_key(), new_key()
    send_sms(neighbours, {"To": "+79161234569", "From": "Shop", "Body": first})
    newest = neighbours.inbox()[-1]["id"]
    send_sms(neighbours, {"To": "+79161234569", "From": "Shop", "Body": second})
    answer = neighbours.client.get(f"{neighbours.url}/messages", params={"after": newest, "to": "79161234569"})

    assert second in answer.text
    assert first not in answer.text
    assert answer.headers["x-total"] == "2"


def test_ledger_page_shows_payments_with_their_refunds(neighbours: Neighbours, shop: Shop) -> None:
    reference = new_key()
    payment = shop.pay("tok_refund_fails", metadata={"reference": reference})
    shop.post_refund(payment["id"], "12.34")
    page = neighbours.client.get(f"{neighbours.url}/ledger.html", params={"reference": reference}).text

    assert payment["id"] in page
    assert re.search(r"12\.34\s+<span class=\"status canceled\">canceled</span>", page)


def test_scripts_page_lists_the_cards(neighbours: Neighbours) -> None:
    assert "<code>tok_times_out_not_charged</code>" in neighbours.client.get(f"{neighbours.url}/scripts.html").text


@pytest.mark.parametrize("path", ["/", "/ledger.html", "/scripts.html"])
def test_pages_allow_no_script_but_their_own(neighbours: Neighbours, path: str) -> None:
    policy = neighbours.client.get(f"{neighbours.url}{path}").headers["content-security-policy"]

    assert "default-src 'none'; script-src 'self';" in policy
    assert (
        re.findall(r'<script(?! src="/static/inbox.js" defer>)', neighbours.client.get(f"{neighbours.url}{path}").text)
        == []
    )


@pytest.mark.parametrize("path", ["/static/inbox.js", "/static/page.css"])
def test_assets_are_served(neighbours: Neighbours, path: str) -> None:
    assert neighbours.client.get(f"{neighbours.url}{path}").status_code == 200


def test_confirmation_of_an_unknown_payment_is_404_and_a_wrong_decision_400(neighbours: Neighbours) -> None:
    page = f"{neighbours.url}/confirm/none"

    assert neighbours.client.get(page).status_code == 404
    assert neighbours.client.post(page, data={"decision": "approve"}).status_code == 404
    assert neighbours.client.post(page, data={"decision": "maybe"}).status_code == 400
