"""A visitor with a browser that runs no script: follows links, fills in forms, keeps cookies."""

from __future__ import annotations

import re
from html import unescape
from typing import Self

import httpx2
from starlette.types import ASGIApp

from services.clock import new_id

ORIGIN = "http://127.0.0.1:8080"
PASSWORD = "correct horse battery staple 42"
#: What browsers send with a form of the page itself.
SAME_ORIGIN = {"Sec-Fetch-Site": "same-origin"}


class Visitor:
    """Sends requests to the pages; English unless `language` says otherwise."""

    def __init__(self, pages: ASGIApp, language: str = "en") -> None:
        transport = httpx2.ASGITransport(pages)
        self.http = httpx2.AsyncClient(transport=transport, base_url=ORIGIN, headers={"Accept-Language": language})

    async def __aenter__(self) -> Self:
        await self.http.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.http.aclose()

    async def open(self, path: str) -> str:
        """The page at a path, after redirects."""
        answer = await self.http.get(path, follow_redirects=True)
        assert answer.status_code == 200, answer.text
        return answer.text

    async def send(self, path: str, **fields: str) -> httpx2.Response:
        """Send a form of the shop."""
        return await self.http.post(path, data=fields, headers=SAME_ORIGIN)

    async def register(self) -> str:
        """Register and sign in; returns the e-mail address."""
        email = f"{new_id().hex}@example.com"
        person = {"firstName": "Anna", "lastName": "Petrova", "identifier": email, "password": PASSWORD}
        answer = await self.send("/register", **person)
        assert answer.status_code == 303, answer.text
        return email

    async def order(self, product_id: str, quantity: int = 1, **fields: str) -> httpx2.Response:
        """Put a product into the basket and send the form of the order."""
        await self.send("/basket/add", product=product_id, quantity=str(quantity))
        return await self.send("/orders", **{**await self.order_form(), **fields})

    async def order_form(self) -> dict[str, str]:
        """The form of the basket's page, filled in."""
        page = await self.open("/basket")
        address = {"country": "RU", "region": "Moscow", "city": "Moscow", "street": "1 Gift Street"}
        return {**address, "method": "card:tok_succeeds", "key": hidden(page, "key"), "total": hidden(page, "total")}


def hidden(page: str, name: str) -> str:
    """The value of a hidden field."""
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    assert found, f"no field {name}"
    return unescape(found[1])
