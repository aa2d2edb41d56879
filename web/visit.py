"""One request of a visitor: their session, language and basket, and the pages that answer it."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import takewhile
from typing import Any
from urllib.parse import parse_qsl, urlencode

import httpx2
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from web.api_client import ApiClient, ApiProblem
from web.basket import Basket
from web.languages import COOKIE as LANGUAGE_COOKIE
from web.languages import Texts, language_of, texts
from web.rendering import Renderer
from web.sandbox_client import SandboxClient
from web.sessions import MAX_AGE, Session, SessionCookies
from web.settings import WebSettings

SESSION_COOKIE = "session"
BASKET_COOKIE = "basket"
#: Fields that a form may have.
MOST_FIELDS = 200
#: Proxies before the pages whose X-Forwarded-For is passed on.
MOST_HOPS = 10
#: An IP address, with a port if need be.
_ADDRESS = re.compile(r"[0-9A-Fa-f.:\[\]]{2,64}")
#: What a form may have as Idempotency-Key: what a header can hold, and less than the API takes.
_KEY = re.compile(r"[!-~]{1,64}")
#: The Idempotency-Key of every renewal: one whose answer is lost can be repeated for 60 s, without a key for 10 s.
_RENEWAL = "renewal-of-the-pages"


@dataclass(frozen=True)
class Tools:
    """What all visits share."""

    settings: WebSettings
    http: httpx2.AsyncClient
    cookies: SessionCookies
    renderer: Renderer
    sandbox: SandboxClient
    #: the visits whose streams are open (`web.shop.live`)
    streams: set[object] = field(default_factory=set)


class SignInNeeded(Exception):
    """The page is for people who have signed in."""


class Visit:
    """A request and what its answer changes."""

    def __init__(self, request: Request, tools: Tools) -> None:
        self.request = request
        self.tools = tools
        language = language_of(self._sent(LANGUAGE_COOKIE), request.headers.get("accept-language"))
        self.texts: Texts = texts(language)
        self.session = tools.cookies.read(self._sent(SESSION_COOKIE))
        self.basket = Basket.read(self._sent(BASKET_COOKIE))
        self._changed: dict[str, str | None] = {}

    @property
    def signed_in(self) -> bool:
        """Whether there is a session; the API decides whether it is still good."""
        return self.session is not None

    @property
    def is_operator(self) -> bool:
        """Whether the desk is shown; the API decides what may be seen and done there."""
        return self.session is not None and self.session.role == "operator"

    async def api(self, *, required: bool = False) -> ApiClient:
        """The API as this visitor. Raises SignInNeeded when a session is required and there is none."""
        if self.session and self.session.ends_soon:
            await self._renew(self.session)
        if required and not self.session:
            raise SignInNeeded
        client = self.anonymous_api()
        if self.session:
            client.headers["Authorization"] = f"Bearer {self.session.access_token}"
        return client

    def anonymous_api(self) -> ApiClient:
        """The API as somebody at this visitor's address who has not signed in."""
        return ApiClient(self.tools.http, {"Accept-Language": self.texts.language, **self._visitor()})

    def _visitor(self) -> dict[str, str]:
        """The visitor's address: the API believes of the list what its TRUSTED_PROXIES have added."""
        lines = self.request.headers.getlist("x-forwarded-for")
        hops = [hop.strip() for hop in ",".join(lines).split(",")][-MOST_HOPS:]
        # What stands before an entry that is no address is worth nothing.
        named = [*takewhile(_ADDRESS.fullmatch, reversed(hops))][::-1]
        peer = [self.request.client.host] if self.request.client else []
        return {"X-Forwarded-For": ", ".join([*named, *peer])} if peer else {}

    async def form(self) -> dict[str, str]:
        """The fields of a form. Of a field that is sent twice the last value counts."""
        try:
            return dict(parse_qsl((await self.request.body()).decode(), True, max_num_fields=MOST_FIELDS))
        except ValueError:
            return {}

    def open_session(self, tokens: dict[str, object]) -> None:
        """Sign in with the tokens that the API gave."""
        self.session = Session.of(tokens)
        self._changed[self._cookie(SESSION_COOKIE)] = self.tools.cookies.write(self.session)

    def close_session(self) -> None:
        """Forget the session; ending it at the API is the caller's matter."""
        self.session = None
        self._changed[self._cookie(SESSION_COOKIE)] = None

    def keep_basket(self, basket: Basket) -> None:
        """Let the visitor have this basket."""
        self.basket = basket
        self._changed[self._cookie(BASKET_COOKIE)] = basket.write() or None

    def keep_language(self, language: str) -> None:
        """Let the visitor read this language from now on."""
        self._changed[self._cookie(LANGUAGE_COOKIE)] = language

    def page(self, template: str, http_status: int = 200, /, **values: Any) -> Response:
        """A page made from a template, to which `values` are given."""
        context = {**values, "visit": self, "t": self.texts, "language": self.texts.language}
        return self.with_cookies(self.tools.renderer.page(template, context, http_status))

    def redirect(self, path: str, **query: str) -> Response:
        """Send the visitor to another page of the shop."""
        return self.with_cookies(RedirectResponse(f"{path}?{urlencode(query)}" if query else path, 303))

    async def _renew(self, session: Session) -> None:
        """Renew the session, or close it when the API says that it has ended.

        Raises ApiProblem for any other refusal, such as a limit or trouble: the session stays, and so does its cookie.
        """
        body = {"refreshToken": session.refresh_token}
        try:
            self.open_session(await self.anonymous_api().post("/auth/refresh", body, key=_RENEWAL))
        except ApiProblem as problem:
            if problem.status not in (401, 422):
                raise
            self.close_session()

    def _sent(self, name: str) -> str | None:
        return self.request.cookies.get(self._cookie(name))

    def _cookie(self, name: str) -> str:
        # Browsers take a cookie with this prefix only over https, for this host and all of its paths.
        return f"__Host-{name}" if self.tools.settings.secure else name

    def with_cookies(self, response: Response) -> Response:
        """The response with the cookies that this visit has changed."""
        options: Mapping[str, Any] = {
            "path": "/",
            "httponly": True,
            "samesite": "lax",
            "secure": self.tools.settings.secure,
        }
        for name, value in self._changed.items():
            if value is None:
                response.delete_cookie(name, **options)
            else:
                response.set_cookie(name, value, max_age=MAX_AGE, **options)
        return response


def local_path(path: str | None, default: str = "/") -> str:
    """A path of this shop that a visitor may be sent to; `default` for anything else."""
    given = path or ""
    clean = given.startswith("/") and not given.startswith("//") and "\\" not in given and given.isprintable()
    return given if clean else default


def key_of(form: Mapping[str, str]) -> str:
    """The Idempotency-Key that the page gave this form; a new one for a form with none that a header can hold."""
    given = form.get("key", "")
    return given if _KEY.fullmatch(given) else str(uuid.uuid4())
