"""Requests to the YooKassa API: one object, or every object of a paged list."""

from __future__ import annotations

import time
from collections.abc import Iterator

from services.payments.gateway import GatewayUnavailable, GatewayUnknown
from services.payments.yookassa.http import Exchange, Interrupted, NotSent
from services.payments.yookassa.objects import JsonObject, Page
from services.payments.yookassa.responses import Read, read_response

# The largest page of the provider, and how many pages a list may have: a longer one counts as no answer.
_PAGE_SIZE = "100"
_MAX_PAGES = 1000


class YooKassaClient:
    """All methods raise GatewayUnknown, GatewayUnavailable and, for requests that change something, GatewayRefused."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    def close(self) -> None:
        """Close the connections."""
        self._exchange.close()

    def ask(
        self,
        kind: type[Read],
        method: str,
        path: str,
        within: float,
        *,
        body: object = None,
        query: dict[str, str] | None = None,
        headers: dict[str, str] | None = None,
    ) -> Read | None:
        """One HTTP exchange of at most `within` seconds, with the response parsed as `kind`; None for 404."""
        try:
            response = self._exchange.run(method, path, within=within, body=body, query=query, headers=headers)
        except NotSent as error:
            raise GatewayUnavailable("the provider cannot be reached") from error
        except Interrupted as error:
            raise GatewayUnknown("the provider did not answer in full") from error
        return read_response(kind, response)

    def list_all(self, path: str, query: dict[str, str], until: float) -> Iterator[JsonObject]:
        """The objects of every page, not validated, read until this moment of the monotonic clock."""
        query = query | {"limit": _PAGE_SIZE}
        for _ in range(_MAX_PAGES):
            page = self.ask(Page, "GET", path, until - time.monotonic(), query=query)
            if page is None:
                raise GatewayUnknown(f"the provider has no list of {path}")
            yield from (item for item in page.items if isinstance(item, dict))
            if page.next_cursor is None:
                return
            query["cursor"] = page.next_cursor
        raise GatewayUnknown(f"the list of {path} is too long")
