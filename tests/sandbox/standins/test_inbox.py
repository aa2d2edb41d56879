"""Mail by SMTP and SMS by Twilio's form land in the inbox, each delivery of them."""

import smtplib
from collections.abc import Iterator
from email.message import EmailMessage

import httpx2
import pytest

from sandbox.standins.running import Neighbours
from tests.sandbox.standins.doubles import Json, new_key


@pytest.fixture
def address() -> str:
    return f"{new_key()}@example.com"


@pytest.fixture
def smtp(neighbours: Neighbours) -> Iterator[smtplib.SMTP]:
    with smtplib.SMTP("127.0.0.1", neighbours.smtp_port, timeout=5) as session:
        yield session


def test_mail_is_kept_with_text_html_and_headers(neighbours: Neighbours, smtp: smtplib.SMTP, address: str) -> None:
    smtp.send_message(a_mail(address, subject="Заказ подтверждён", text="Спасибо\nАнна", html="<b>Спасибо</b>"))
    (kept,) = neighbours.inbox(to=address)

    assert (kept["channel"], kept["to"], kept["subject"]) == ("email", address, "Заказ подтверждён")
    assert (kept["text"], kept["html"]) == ("Спасибо\nАнна\n", "<b>Спасибо</b>\n")
    assert kept["headers"]["Message-ID"] == "<order-1@shop.example>"
    assert kept["receivedAt"].endswith("Z")


def test_mail_to_two_is_two_deliveries_and_nothing_is_merged(
    neighbours: Neighbours, smtp: smtplib.SMTP, address: str
) -> None:
    for _ in range(2):
        smtp.send_message(a_mail(address), to_addrs=[address, f"second-{address}"])

    assert [len(neighbours.inbox(to=to)) for to in (address, f"second-{address}")] == [2, 2]


def test_sms_is_answered_like_twilio_and_kept_with_its_key(neighbours: Neighbours) -> None:
    phone = "+79161234567"
    answer = send_sms(neighbours, {"To": phone, "From": "Shop", "Body": "Код 482913"}, {"Idempotency-Key": "notify:1"})
    kept = neighbours.inbox(to=phone, channel="sms")[-1]

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
def test_sms_that_cannot_go_is_refused_like_twilio(neighbours: Neighbours, form: dict[str, str], code: int) -> None:
    answer = send_sms(neighbours, form)

    assert (answer.status_code, answer.json()["code"], answer.json()["status"]) == (400, code, 400)


def test_inbox_is_filtered_by_channel_recipient_and_id(
    neighbours: Neighbours, smtp: smtplib.SMTP, address: str
) -> None:
    smtp.send_message(a_mail(address, subject="first"))
    first = neighbours.inbox(to=address.upper())[0]
    smtp.send_message(a_mail(address, subject="second"))

    assert subjects(neighbours.inbox(to=address)) == ["first", "second"]
    assert subjects(neighbours.inbox(to=address, after=first["id"])) == ["second"]
    assert neighbours.inbox(to=address, channel="sms") == []


def test_cleared_inbox_is_empty_and_uses_no_id_again(neighbours: Neighbours, smtp: smtplib.SMTP, address: str) -> None:
    smtp.send_message(a_mail(address))
    last = neighbours.inbox()[-1]["id"]
    assert neighbours.client.delete(f"{neighbours.url}/inbox").status_code == 204
    assert neighbours.inbox() == []

    smtp.send_message(a_mail(address))
    assert neighbours.inbox()[0]["id"] == last + 1


def a_mail(to: str, subject: str = "Hello", text: str = "Hello", html: str | None = None) -> EmailMessage:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "shop@example.com", to, subject
    mail["Message-ID"] = "<order-1@shop.example>"
    mail.set_content(text)
    if html is not None:
        mail.add_alternative(html, subtype="html")
    return mail


def send_sms(neighbours: Neighbours, form: dict[str, str], headers: dict[str, str] | None = None) -> httpx2.Response:
    url = f"{neighbours.url}/2010-04-01/Accounts/AC1/Messages.json"
    return neighbours.client.post(url, data=form, headers=headers, auth=("AC1", "token"))


def subjects(messages: list[Json]) -> list[str]:
    return [message["subject"] for message in messages]
