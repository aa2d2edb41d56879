"""Where the payment provider's page sends the buyer back: only to the shop's own origins."""

from __future__ import annotations

import re
from urllib.parse import urlsplit
from uuid import UUID

#: Most characters of such a URL, as given.
MAX_URL = 1024
#: What is replaced by the id of the order.
ORDER_ID = "{orderId}"
# The characters of RFC 3986: browsers read others, such as a backslash, in ways of their own.
_URL = re.compile(r"https?://[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]+")
_PORTS = {"http": 80, "https": 443}


def origin_of(url: str, placeholder: str = ORDER_ID) -> str:
    """`https://shop.example.com` of a URL that may have the placeholder. Raises ValueError for what is no such URL."""
    plain = url.replace(placeholder, "0")
    parts = urlsplit(plain)
    # urlsplit drops tabs and line ends, so the text itself is checked.
    if len(url) > MAX_URL or not _URL.fullmatch(plain) or "@" in parts.netloc or not parts.hostname:
        raise ValueError("not a URL with http or https, without a user and with a host in ASCII")
    if placeholder in url.split("?")[0].split("#")[0].split("/", 3)[2]:
        raise ValueError("the host must not depend on what is filled in")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    port = "" if parts.port in (None, _PORTS[parts.scheme]) else f":{parts.port}"
    return f"{parts.scheme}://{host}{port}"


def read_origins(text: str) -> frozenset[str]:
    """The origins of a setting, separated by commas. Raises ValueError for an origin with a path or the like."""
    given = [part.strip().removesuffix("/").lower() for part in text.split(",") if part.strip()]
    if any(urlsplit(each).path or "?" in each or "#" in each or ORDER_ID.lower() in each for each in given):
        raise ValueError("an origin has no path")
    return frozenset(map(origin_of, given))


def filled(url: str, order_id: UUID) -> str:
    """The URL for one order."""
    return url.replace(ORDER_ID, str(order_id))
