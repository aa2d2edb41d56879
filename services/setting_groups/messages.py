"""Settings of e-mails and SMS, and of the shop whose pages they link to."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel

from services.parts import ALL_PARTS, Part
from services.setting_declarations import setting

#: The value of an address setting when there is no such server.
NONE = "none"
#: The URL of an external service, with its password; `none` in the environment becomes the empty string.
ServiceAddress = Annotated[str | None, AfterValidator(lambda value: "" if value == NONE else value)]
_WORKERS = frozenset({Part.WORKERS})


class MessageSettings(BaseModel):
    """E-mails and SMS."""

    smtp_url: ServiceAddress = setting(
        None,
        "the mail server, `smtp://user:password@host:587?starttls`, or `none`",
        kind="URL",
        parts=_WORKERS,
        required=f"set it to `{NONE}` to send nothing this way",
        secret=True,
    )
    smtp_ca_file: Path | None = setting(
        None,
        "the CA of the mail server's certificate, in place of the CAs of the system "
        "([TLS between the parts](deploying.md#tls-between-the-parts))",
        kind="file in PEM form",
        parts=_WORKERS,
    )
    sms_url: ServiceAddress = setting(
        None,
        "a gateway that takes Twilio's Messages form, `https://user:password@host/path`, or `none`",
        kind="URL",
        parts=_WORKERS,
        required=f"set it to `{NONE}` to send nothing this way",
        secret=True,
    )
    mail_from: str = setting(
        "Marketplace Orders <orders@example.com>",
        "the sender of e-mails: one ASCII address, with a name in quotes if it has a comma; production refuses the "
        "default unless `SMTP_URL` is `none`",
        kind="address",
        parts=_WORKERS,
    )
    mail_reply_to: str | None = setting(
        None,
        "gets the replies to e-mails (`Reply-To`); without it e-mails say that nobody reads replies",
        kind="address",
        parts=_WORKERS,
    )
    sms_from: str = setting("Market", "the sender of SMS", parts=_WORKERS)
    sms_per_hour: int = setting(
        1000,
        "SMS to all numbers together: so many at once, and then so many an hour; 0: no limit. A code over it is 429, "
        "every other SMS is `suppressed`",
        kind="SMS an hour",
        parts=ALL_PARTS,
        ge=0,
    )
    message_budget_factor: float = setting(
        1,
        "multiplies [what one recipient gets](operators.md#messages-over-a-budget) before they have verified the "
        "identifier or paid; 0: no limit",
        parts=ALL_PARTS,
        ge=0,
    )


class ShopSettings(BaseModel):
    """The shop and its pages."""

    shop_name: str = setting("Marketplace", "the name of the shop, in messages and at the payment provider")
    #: only to these is a buyer sent back from the provider's page; code uses `shop_origin_set`
    shop_origins: str = setting(
        "",
        "origins of the shop's pages: https, or loopback. Only to these does the page of the provider return a buyer; "
        "without one, orders take no `returnUrl`",
        kind="origins by comma",
        parts=frozenset({Part.API}),
    )
    #: code uses `return_url`
    shop_return_url: str | None = setting(
        None,
        "where it returns a buyer by default; `{orderId}` is replaced: https, or loopback",
        kind="URL",
        shown="`PUBLIC_URL/return`, a page of the API",
    )
    shop_order_url: str = setting(
        "",
        "the page of an order that e-mails [link to](operators.md#e-mails), `https://shop.example/orders/{orderId}`",
        kind="URL",
        parts=_WORKERS,
    )
    shop_reset_url: str = setting(
        "",
        "the page for a new password, `…/reset?token={token}`; without it the message has the token",
        kind="URL",
        parts=_WORKERS,
    )
    shop_verify_url: str = setting(
        "", "the page for a code, `…/verify?code={code}` or without the code", kind="URL", parts=_WORKERS
    )
