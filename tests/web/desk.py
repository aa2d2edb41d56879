"""What tests of the desk need: an operator who has signed in, and orders."""

from __future__ import annotations

import re
from uuid import UUID

import pyotp

from services.bootstrap import Services
from tests.api.shop import a_product, confirm, pay, reserve
from tests.web.visitor import PASSWORD, Visitor


async def make_operator(visitor: Visitor, services: Services) -> str:
    """Register the visitor as an operator without a second factor; returns the e-mail address."""
    email = await visitor.register()
    user_id = services.database.fetch_value(
        "UPDATE identity.users SET email_verified = true WHERE email = %(email)s RETURNING id", {"email": email}
    )
    services.operators.grant(user_id)
    await visitor.send("/sign-in", identifier=email, password=PASSWORD, next="/account")
    return email


async def add_app(visitor: Visitor) -> list[str]:
    """Add an authenticator app on the page of the account; returns the recovery codes."""
    shown = (await visitor.send("/account/second-factor/start", current=PASSWORD)).text
    (secret,) = re.findall(r"<code>([A-Z2-7]{4}(?: [A-Z2-7]{4}){7})</code>", shown)
    code = pyotp.TOTP(secret.replace(" ", "")).now()
    confirmed = (await visitor.send("/account/second-factor/confirm", code=code)).text
    return re.findall(r"<li><code>([^<]+)</code>", confirmed)


async def an_operator(visitor: Visitor, services: Services) -> Visitor:
    """The visitor, signed in as an operator."""
    email = await make_operator(visitor, services)
    code = (await add_app(visitor))[0]
    answer = await visitor.send("/sign-in", identifier=email, password=PASSWORD, next="/desk", otp=code)
    assert answer.headers["Location"] == "/desk"
    return visitor


async def an_order(buyer: Visitor, services: Services, *, method: str = "card:tok_succeeds") -> UUID:
    """An order of somebody who has an account."""
    answer = await buyer.order(str(a_product(services, price="1299.00")), method=method)
    assert answer.status_code == 303, answer.text
    return UUID(answer.headers["Location"].removeprefix("/orders/"))


async def a_paid_order(buyer: Visitor, services: Services, *, method: str = "card:tok_succeeds") -> UUID:
    """An order that was charged."""
    order_id = await an_order(buyer, services, method=method)
    reserve(services, order_id)
    pay(services, order_id)
    return order_id


async def a_confirmed_order(buyer: Visitor, services: Services) -> UUID:
    """An order that is confirmed."""
    order_id = await a_paid_order(buyer, services)
    confirm(services, order_id)
    return order_id
