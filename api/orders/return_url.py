"""Checks the address to which the payment provider's page sends the buyer back."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends

from api.dependencies import CurrentSettings
from services.errors import Invalid
from services.return_urls import origin_of


class ReturnUrls:
    """Accepts addresses of the shop's own origins."""

    def __init__(self, origins: frozenset[str]) -> None:
        self._origins = origins

    def checked(self, url: str | None) -> str | None:
        """The address unchanged. Raises Invalid at `/returnUrl`: no URL, or of an origin that is not the shop's."""
        try:
            known = url is None or origin_of(url) in self._origins
        except ValueError:
            raise Invalid("This must be an https URL of the shop.", pointer="/returnUrl") from None
        if not known:
            raise Invalid("The origin of this URL is not one of the shop's (SHOP_ORIGINS).", pointer="/returnUrl")
        return url


async def _return_urls(settings: CurrentSettings) -> ReturnUrls:
    return ReturnUrls(settings.shop_origin_set)


Returning = Annotated[ReturnUrls, Depends(_return_urls)]
