"""The HTML pages: inbox, ledger and test cards; contents of messages are escaped."""

import html
import re
import smtplib

import pytest

from sandbox.standins.running import StandIns
from tests.sandbox.standins.clients import Shop, new_key
from tests.sandbox.standins.senders import a_mail, send_sms

MALICIOUS = '</iframe><script>alert("x")</script>'


def test_inbox_page_escapes_subject_text_and_html(stand_ins: StandIns) -> None:
    part = new_key()
    with smtplib.SMTP("127.0.0.1", stand_ins.smtp_port, timeout=5) as smtp:
        smtp.send_message(a_mail(f"{part}@example.com", subject=MALICIOUS, text=MALICIOUS, html=MALICIOUS))
    page = stand_ins.client.get(f"{stand_ins.url}/", params={"to": part}).text

    assert "<script>alert" not in page
    (frame,) = re.findall(r"<iframe[^>]*>", page)
    assert html.unescape(re.findall(r'srcdoc="([^"]*)"', frame)[0]).strip().endswith(MALICIOUS)
    assert 'sandbox="allow-popups allow-popups-to-escape-sandbox"' in frame


def test_inbox_page_filters_by_channel_and_recipient(stand_ins: StandIns) -> None:
    text = new_key()
    send_sms(stand_ins, {"To": "+79161234568", "From": "Shop", "Body": text})
    url = f"{stand_ins.url}/"

    assert text in stand_ins.client.get(url, params={"channel": "sms", "to": "9161234568"}).text
    assert text not in stand_ins.client.get(url, params={"channel": "email"}).text
    assert "No message matches this filter" in stand_ins.client.get(url, params={"to": "nobody@example.com"}).text


def test_poll_returns_only_new_messages(stand_ins: StandIns) -> None:
    first, second = new_key(), new_key()
    send_sms(stand_ins, {"To": "+79161234569", "From": "Shop", "Body": first})
    newest = stand_ins.inbox()[-1]["id"]
    send_sms(stand_ins, {"To": "+79161234569", "From": "Shop", "Body": second})
    answer = stand_ins.client.get(f"{stand_ins.url}/messages", params={"after": newest, "to": "79161234569"})

    assert second in answer.text
    assert first not in answer.text
    assert answer.headers["x-total"] == "2"


def test_ledger_page_shows_payments_with_refunds(stand_ins: StandIns, shop: Shop) -> None:
    reference = new_key()
    payment = shop.pay("tok_refund_fails", metadata={"reference": reference})
    shop.post_refund(payment["id"], "12.34")
    page = stand_ins.client.get(f"{stand_ins.url}/ledger.html", params={"reference": reference}).text

    assert payment["id"] in page
    assert re.search(r"12\.34\s+<span class=\"status canceled\">canceled</span>", page)


def test_test_cards_page_lists_the_cards(stand_ins: StandIns) -> None:
    assert "<code>tok_times_out_not_charged</code>" in stand_ins.client.get(f"{stand_ins.url}/scripts.html").text


@pytest.mark.parametrize("path", ["/", "/ledger.html", "/scripts.html"])
def test_pages_allow_only_their_own_scripts(stand_ins: StandIns, path: str) -> None:
    policy = stand_ins.client.get(f"{stand_ins.url}{path}").headers["content-security-policy"]

    assert "default-src 'none'; script-src 'self';" in policy
    assert (
        re.findall(r'<script(?! src="/static/inbox.js" defer>)', stand_ins.client.get(f"{stand_ins.url}{path}").text)
        == []
    )


@pytest.mark.parametrize("path", ["/static/inbox.js", "/static/page.css"])
def test_assets_are_served(stand_ins: StandIns, path: str) -> None:
    assert stand_ins.client.get(f"{stand_ins.url}{path}").status_code == 200


@pytest.mark.parametrize(
    ("headers", "question", "amount"),
    [
        ({}, "Do you confirm this payment?", "RUB\u00a0100.00"),
        ({"Accept-Language": "ru"}, "Вы подтверждаете этот платёж?", "100,00\u00a0₽"),
        ({"Accept-Language": "en", "Cookie": "language=ru"}, "Вы подтверждаете этот платёж?", "100,00\u00a0₽"),
    ],
)
def test_the_confirmation_page_is_in_the_language_of_the_buyer(
    stand_ins: StandIns, shop: Shop, headers: dict[str, str], question: str, amount: str
) -> None:
    page = f"{stand_ins.url}/confirm/{shop.pay('tok_confirms_on_page')['id']}"
    shown = stand_ins.client.get(page, headers=headers).text
    assert (f"<h1>{question}</h1>" in shown, amount in shown) == (True, True)
    stand_ins.client.post(page, data={"decision": "decline"}, follow_redirects=False)
    shown = stand_ins.client.get(page, headers=headers).text
    assert (question in shown, "declined" in shown or "отклонён" in shown) == (False, True)


def test_confirmation_of_an_unknown_payment_is_404_and_a_wrong_decision_400(stand_ins: StandIns) -> None:
    page = f"{stand_ins.url}/confirm/none"

    assert stand_ins.client.get(page).status_code == 404
    assert stand_ins.client.post(page, data={"decision": "approve"}).status_code == 404
    assert stand_ins.client.post(page, data={"decision": "maybe"}).status_code == 400
