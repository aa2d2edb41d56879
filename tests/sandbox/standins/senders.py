"""Sends e-mails and SMS to the stand-ins."""

from email.message import EmailMessage

import httpx2

from sandbox.standins.running import StandIns


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
