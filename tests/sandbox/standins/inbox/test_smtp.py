"""The mail server stores each e-mail in the inbox."""

import smtplib

from sandbox.standins.running import StandIns
from tests.sandbox.standins.senders import a_mail


def test_mail_is_stored_with_text_html_and_headers(stand_ins: StandIns, smtp: smtplib.SMTP, address: str) -> None:
    smtp.send_message(a_mail(address, subject="Заказ подтверждён", text="Спасибо\nАнна", html="<b>Спасибо</b>"))
    (kept,) = stand_ins.inbox(to=address)

    assert (kept["channel"], kept["to"], kept["subject"]) == ("email", address, "Заказ подтверждён")
    assert (kept["text"], kept["html"]) == ("Спасибо\nАнна\n", "<b>Спасибо</b>\n")
    assert kept["headers"]["Message-ID"] == "<order-1@shop.example>"
    assert kept["receivedAt"].endswith("Z")


def test_each_mail_is_stored_once_for_each_recipient(stand_ins: StandIns, smtp: smtplib.SMTP, address: str) -> None:
    for _ in range(2):
        smtp.send_message(a_mail(address), to_addrs=[address, f"second-{address}"])

    assert [len(stand_ins.inbox(to=to)) for to in (address, f"second-{address}")] == [2, 2]
