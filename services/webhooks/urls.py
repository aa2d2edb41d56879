"""URLs of webhook endpoints: read by one function, when an endpoint is added and when a message is sent."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

#: Most characters of a URL.
MAX_URL = 1024
#: From this port on any port may be used; below it only those of the web, because other protocols have theirs there.
FIRST_FREE_PORT = 1024
# The characters of RFC 3986, without a fragment; the host as DNS or a literal address has it.
_URL = re.compile(r"https?://[A-Za-z0-9\-.:\[\]]+([/?][A-Za-z0-9\-._~:/?\[\]@!$&'()*+,;=%]*)?", re.IGNORECASE)
_NAME = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)(\.(?!-)[a-z0-9-]{1,63}(?<!-))*\.?")
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True)
class Target:
    """The parts of a URL that a request needs."""

    scheme: str
    #: in lower case, an IPv6 address without brackets
    host: str
    port: int
    #: path and query
    path: str

    @property
    def authority(self) -> str:
        """The value of `Host`."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"


def read_url(url: str, *, https_only: bool) -> Target:
    """The target of a URL. Raises ValueError, whose message says what is wrong and does not contain the URL."""
    if len(url) > MAX_URL:
        raise ValueError(f"A URL has at most {MAX_URL} characters.")
    if not _URL.fullmatch(url):
        raise ValueError("This must be a URL with https, without a user, a password and a fragment, in ASCII.")
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").lower(), _PORTS[parts.scheme] if parts.port is None else parts.port
    except ValueError:
        raise ValueError("This must be a URL with a valid host and port.") from None
    if len(host) > 253 or not (":" in host or _NAME.fullmatch(host)):
        raise ValueError("This must be a URL with a valid host and port.")
    if https_only and parts.scheme != "https":
        raise ValueError("This must be a URL with https.")
    if port not in _PORTS.values() and port < FIRST_FREE_PORT:
        raise ValueError("The port must be 80, 443, or 1024 and above.")
    path = parts.path or "/"
    return Target(parts.scheme, host, port, f"{path}?{parts.query}" if parts.query else path)
