"""The second factor of an operator on the pages: add the app, sign in with its code, keep recovery codes, remove it."""

from __future__ import annotations

from services.bootstrap import Services
from tests.web.desk import add_app, make_operator
from tests.web.visitor import PASSWORD, Visitor


async def test_an_operator_adds_an_app_and_signs_in_with_a_code(visitor: Visitor, services: Services) -> None:
    email = await make_operator(visitor, services)
    assert 'href="/account/second-factor"' in await visitor.open("/account")
    codes = await add_app(visitor)
    assert len(codes) == 10
    await visitor.send("/sign-out")

    answer = await visitor.send("/sign-in", identifier=email, password=PASSWORD, next="/desk")
    assert (answer.status_code, 'name="otp"' in answer.text, "has a second factor" in answer.text) == (401, True, True)
    answer = await visitor.send("/sign-in", identifier=email, password=PASSWORD, next="/desk", otp=codes[0])
    assert answer.headers["Location"] == "/desk"
    await visitor.open("/desk")
    assert "9 recovery codes are left" in await visitor.open("/account/second-factor")


async def test_a_wrong_password_or_code_adds_nothing(visitor: Visitor, services: Services) -> None:
    await make_operator(visitor, services)
    assert (await visitor.send("/account/second-factor/start", current="not the password")).status_code == 403
    await visitor.send("/account/second-factor/start", current=PASSWORD)
    refused = await visitor.send("/account/second-factor/confirm", code="000000")
    assert (refused.status_code, "The code is not right" in refused.text) == (422, True)
    assert "Add an app" in await visitor.open("/account/second-factor")


async def test_removing_the_app_signs_out(visitor: Visitor, services: Services) -> None:
    await make_operator(visitor, services)
    codes = await add_app(visitor)
    removed = await visitor.send("/account/second-factor/remove", current=PASSWORD, code=codes[0])
    assert removed.headers["Location"] == "/sign-in"
    assert (await visitor.http.get("/account")).headers["Location"].startswith("/sign-in")


async def test_buyers_see_no_second_factor(visitor: Visitor) -> None:
    await visitor.register()
    assert "second-factor" not in await visitor.open("/account")
