"""What handlers ask for: the services, the caller, the key of a repeatable request, the language."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, cast
from uuid import UUID

from fastapi import Depends, Header, Request
from pydantic import Field
from pydantic.functional_validators import AfterValidator
from pydantic_core import PydanticCustomError

from api.orders.starting import Starts
from api.orders.waiting import Waiting
from api.requests.fields import EmptyBody
from services.bootstrap import Services
from services.idempotency import Idempotent
from services.identity.views import Caller, CallerKind

_LANGUAGES = ("ru", "en")


async def _services(request: Request) -> Services:
    return cast(Services, request.app.state.services)


async def _waiting(request: Request) -> Waiting:
    return cast(Waiting, request.app.state.waiting)


async def _starts(request: Request) -> Starts:
    return cast(Starts, request.app.state.starts)


async def _caller(request: Request) -> Caller:
    # Routes with a NEEDED token never get here without one.
    return cast(Caller, request.state.caller)


async def _known_caller(request: Request) -> Caller | None:
    return cast("Caller | None", request.state.caller)


async def _language(
    accept_language: Annotated[str | None, Header(alias="Accept-Language", max_length=200)] = None,
) -> str:
    return preferred_language(accept_language or "")


def _key(value: str) -> str:
    if not (1 <= len(value) <= 255 and all("\x21" <= char <= "\x7e" for char in value)):
        raise PydanticCustomError("not-a-key", "An Idempotency-Key has 1 to 255 visible ASCII characters.")
    return value


CurrentServices = Annotated[Services, Depends(_services)]
Waiters = Annotated[Waiting, Depends(_waiting)]
Starters = Annotated[Starts, Depends(_starts)]
CurrentCaller = Annotated[Caller, Depends(_caller)]
KnownCaller = Annotated[Caller | None, Depends(_known_caller)]
#: `ru` or `en`, by Accept-Language.
Language = Annotated[str, Depends(_language)]
IdempotencyKey = Annotated[
    Annotated[str, Field(min_length=0), AfterValidator(_key)] | None,
    Header(
        alias="Idempotency-Key", description="Makes the request repeatable for 72 h: 1 to 255 visible ASCII characters."
    ),
]


async def _accept_key(idempotency_key: IdempotencyKey = None) -> None:
    # These operations are repeatable by nature: the key only has to be well-formed.
    del idempotency_key


async def _accept_no_body(body: EmptyBody | None = None) -> None:
    del body


#: For an operation that may be repeated with or without a key.
ANY_KEY = Depends(_accept_key)
#: For a POST that says all in its path; `{}` is taken too.
NO_BODY = Depends(_accept_no_body)


def preferred_language(accept: str) -> str:
    """The first of our languages by weight (RFC 9110, section 12.5.4); Russian when none is asked for."""
    weights: dict[str, float] = {}
    for choice in accept.split(","):
        tag, _, weight = choice.strip().partition(";")
        weights.setdefault(tag.strip()[:2].lower(), _weight(weight))
    best = max(_LANGUAGES, key=lambda language: weights.get(language, 0.0))
    return best if weights.get(best) else _LANGUAGES[0]


def _weight(text: str) -> float:
    try:
        return float(text.strip().removeprefix("q=") or 1)
    except ValueError:
        return 0.0


def name_of(caller: Caller) -> str:
    """Who a key or a cursor belongs to."""
    return f"{caller.kind}:{caller.user_id or ''}"


def owner(caller: Caller) -> UUID | None:
    """Whose orders the caller sees: a buyer its own, everybody else (None) all that its token lets it reach."""
    return caller.user_id if caller.kind is CallerKind.BUYER else None


def idempotent(caller: Caller, operation: str, key: str | None, body: Mapping[str, object]) -> Idempotent | None:
    """The key of a request with what it stands for; None when none was sent."""
    return Idempotent.of(name_of(caller), operation, key, body) if key is not None else None
