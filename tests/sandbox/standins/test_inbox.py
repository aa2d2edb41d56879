"""Mail by SMTP and SMS by Twilio's form land in the inbox, each delivery of them."""

import smtplib
from collections.abc import Iterator
from email.message import EmailMessage

import httpx2
import pytest

from sandbox.standins.running import StandIns
from tests.sandbox.standins.doubles import Json, new_key


@pytest.fixture
def address() -> str:
    return f"{new_key()}@example.com"


@pytest.fixture
def smtp(stand_ins: StandIns) -> Iterator[smtplib.SMTP]:
    with smtplib.SMTP("127.0.0.1", stand_ins.smtp_port, timeout=5) as session:
        yield session


def test_mail_is_kept_with_text_html_and_headers(stand_ins: StandIns, smtp: smtplib.SMTP, address: str) -> None:
    smtp.send_message(a_mail(address, subject="Заказ подтверждён", text="Спасибо\nАнна", html="<b>Спасибо</b>"))
    (kept,) = stand_ins.inbox(to=address)

    assert (kept["channel"], kept["to"], kept["subject"]) == ("email", address, "Заказ подтверждён")
    assert (kept["text"], kept["html"]) == ("Спасибо\nАнна\n", "<b>Спасибо</b>\n")
    assert kept["headers"]["Message-ID"] == "<order-1@shop.example>"
    assert kept["receivedAt"].endswith("Z")


def test_mail_to_two_is_two_deliveries_and_nothing_is_merged(
    stand_ins: StandIns, smtp: smtplib.SMTP, address: str
) -> None:
    for _ in range(2):
        smtp.send_message(a_mail(address), to_addrs=[address, f"second-{address}"])

    assert [len(stand_ins.inbox(to=to)) for to in (address, f"second-{address}")] == [2, 2]


def test_sms_is_answered_like_twilio_and_kept_with_its_key(stand_ins: StandIns) -> None:
    phone = "+79161234567"
    answer = send_sms(stand_ins, {"To": phone, "From": "Shop", "Body": "Код 482913"}, {"Idempotency-Key": "notify:1"})
    kept = stand_ins.inbox(to=phone, channel="sms")[-1]

    assert (answer.status_code, answer.json()["status"], answer.json()["to"]) == (201, "queued", phone)
    assert answer.json()["sid"].startswith("SM")
    assert (kept["text"], kept["subject"], kept["html"]) == ("Код 482913", None, None)
    assert kept["headers"]["Idempotency-Key"] == "notify:1"


@pytest.mark.parametrize(
    ("form", "code"),
    [
        ({"To": "+7900", "From": "Shop", "Body": "x"}, 21211),
        ({"To": "nobody", "From": "Shop", "Body": "x"}, 21211),
        ({"From": "Shop", "Body": "x"}, 21604),
        ({"To": "+79161234567", "Body": "x"}, 21603),
        ({"To": "+79161234567", "From": "Shop"}, 21602),
    ],
)
def test_sms_that_cannot_go_is_refused_like_twilio(stand_ins: StandIns, form: dict[str, str], code: int) -> None:
    answer = send_sms(stand_ins, form)

    assert (answer.status_code, answer.json()["code"], answer.json()["status"]) == (400, code, 400)


def test_inbox_is_filtered_by_channel_recipient_and_id(stand_ins: StandIns, smtp: smtplib.SMTP, address: str) -> None:
    smtp.send_message(a_mail(address, subject="first"))
    first = stand_ins.inbox(to=address.upper())[0]
    smtp.send_message(a_mail(address, subject="second"))

    assert subjects(stand_ins.inbox(to=address)) == ["first", "second"]
    assert subjects(stand_ins.inbox(to=address, after=first["id"])) == ["second"]
    assert stand_ins.inbox(to=address, channel="sms") == []


def test_cleared_inbox_is_empty_and_uses_no_id_again(stand_ins: StandIns, smtp: smtplib.SMTP, address: str) -> None:
    smtp.send_message(a_mail(address))
    last = stand_ins.inbox()[-1]["id"]
    assert stand_ins.client.delete(f"{stand_ins.url}/inbox").status_code == 204
    assert stand_ins.inbox() == []

    smtp.send_message(a_mail(address))
    assert stand_ins.inbox()[0]["id"] == last + 1


def a_mail(to: str, subject: str = "Hello", text: str = "Hello", html: str | None = None) -> EmailMessage:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "shop@example.com", to, subject
    mail["Message-ID"] = "<order-1@shop.example>"
    mail.set_content(text)
    if html is not None:
        mail.add_alternative(html, subtype="html")
    return mail


def send_sms(stand_ins: StandIns, form: dict[str, str], headers: dict[str, str] | None = None) -> httpx2.Response:
    url = f"{stand_ins.url}/2010-04-01/Accounts/AC1/Messages.json"
    return stand_ins.client.post(url, data=form, headers=headers, auth=("AC1", "token"))


def subjects(messages: list[Json]) -> list[str]:
    return [message["subject"] for message in messages]
