"""The session cookie: the API's tokens, encrypted, so that no script and no other program reads them.

The cookie holds the session itself, so any number of web processes with the same WEB_SECRET serve a visitor. A copy
that is sent after the sign-out opens nothing: the API has ended its session.
"""

from __future__ import annotations

import base64
import hashlib
import json
import time
from dataclasses import dataclass

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

#: Seconds before its end at which an access token is renewed.
RENEW_BEFORE = 30
#: Seconds that a session cookie is kept by browsers; the refresh token in it decides whether it still opens anything.
MAX_AGE = 30 * 24 * 3600


@dataclass(frozen=True)
class Session:
    """Who is signed in; times are Unix time in seconds."""

    access_token: str
    refresh_token: str
    expires: float

    @classmethod
    def of(cls, tokens: dict[str, object]) -> Session:
        """From the API's answer to a sign-in or refresh."""
        lasts = float(str(tokens["expiresIn"]))
        return cls(str(tokens["accessToken"]), str(tokens["refreshToken"]), time.time() + lasts)

    @property
    def role(self) -> str:
        """What the access token says, without a check of its signature: for what is shown only, the API decides."""
        try:
            payload = self.access_token.split(".")[1]
            return str(json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))["role"])
        except (IndexError, KeyError, TypeError, ValueError):
            return ""

    @property
    def ends_soon(self) -> bool:
        """Whether the access token must be renewed before it is used."""
        return time.time() > self.expires - RENEW_BEFORE


class SessionCookies:
    """Writes and reads the value of the cookie."""

    def __init__(self, web_secret: str) -> None:
        """`web_secret`: WEB_SECRET; the first key encrypts, all decrypt."""
        self._fernet = MultiFernet([Fernet(_derived(key.strip())) for key in web_secret.split(",")])

    def write(self, session: Session) -> str:
        """The value of the cookie."""
        parts = [session.access_token, session.refresh_token, session.expires]
        return self._fernet.encrypt(json.dumps(parts).encode()).decode()

    def read(self, value: str | None) -> Session | None:
        """The session of a cookie; None without one, and for a value that this shop did not write."""
        if not value:
            return None
        try:
            access, refresh, expires = json.loads(self._fernet.decrypt(value.encode(), ttl=MAX_AGE))
        except (InvalidToken, ValueError):
            return None
        return Session(access, refresh, expires)


def _derived(key: str) -> bytes:
    return base64.urlsafe_b64encode(hashlib.sha256(b"market-web-session:" + key.encode()).digest())
