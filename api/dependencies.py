"""Dependencies of handlers: one alias for each service, the caller, the settings and the language."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, cast
from uuid import UUID

from fastapi import Depends, Header, Request

from api.state import state_of
from services.bootstrap import Services
from services.catalog.service import CatalogService
from services.identity import (
    access_tokens,
    identifier_changes,
    password_resets,
    second_factor_enrolment,
    sign_in,
    stream_tickets,
    verification_codes,
)
from services.identity.service import IdentityService
from services.identity.views import Caller, CallerKind
from services.notifications.service import NotificationService
from services.orders import transitions
from services.orders.service import OrderService
from services.payments.service import PaymentService
from services.personal_data import PersonalData as PersonalDataOf
from services.reservations.service import ReservationService
from services.settings import Settings
from services.webhooks import endpoints as webhook_endpoints
from services.webhooks.service import WebhookService

_LANGUAGES = ("ru", "en")


def _service(of: Callable[[Services], object]) -> Any:
    async def service(request: Request) -> object:
        return of(state_of(request.app).services)

    return Depends(service)


async def _caller(request: Request) -> Caller:
    # Only for operations that need a token: their route refuses requests without one.
    return cast(Caller, request.state.caller)


async def _known_caller(request: Request) -> Caller | None:
    return cast("Caller | None", request.state.caller)


async def _language(
    accept_language: Annotated[str | None, Header(alias="Accept-Language", max_length=1000)] = None,
) -> str:
    return preferred_language(accept_language or "")


Catalog = Annotated[CatalogService, _service(lambda services: services.catalog)]
Orders = Annotated[OrderService, _service(lambda services: services.orders)]
OrderTransitions = Annotated[transitions.OrderTransitions, _service(lambda services: services.order_transitions)]
Reservations = Annotated[ReservationService, _service(lambda services: services.reservations)]
Payments = Annotated[PaymentService, _service(lambda services: services.payments)]
Notifications = Annotated[NotificationService, _service(lambda services: services.notifications)]
Identity = Annotated[IdentityService, _service(lambda services: services.identity)]
SignIn = Annotated[sign_in.SignIn, _service(lambda services: services.sign_in)]
SecondFactors = Annotated[
    second_factor_enrolment.SecondFactorEnrolment, _service(lambda services: services.second_factors)
]
StreamTickets = Annotated[stream_tickets.StreamTickets, _service(lambda services: services.stream_tickets)]
AccessTokens = Annotated[access_tokens.AccessTokens, _service(lambda services: services.tokens)]
VerificationCodes = Annotated[verification_codes.VerificationCodes, _service(lambda services: services.codes)]
IdentifierChanges = Annotated[
    identifier_changes.IdentifierChanges, _service(lambda services: services.identifier_changes)
]
PasswordResets = Annotated[password_resets.PasswordResets, _service(lambda services: services.resets)]
Webhooks = Annotated[WebhookService, _service(lambda services: services.webhooks)]
WebhookEndpoints = Annotated[webhook_endpoints.WebhookEndpoints, _service(lambda services: services.webhook_endpoints)]
PersonalData = Annotated[PersonalDataOf, _service(lambda services: services.personal_data)]
CurrentSettings = Annotated[Settings, _service(lambda services: services.settings)]
#: The caller of an operation that needs a token.
CurrentCaller = Annotated[Caller, Depends(_caller)]
#: The caller of an operation that takes an optional token; None without one.
KnownCaller = Annotated[Caller | None, Depends(_known_caller)]
#: `ru` or `en`, by Accept-Language.
Language = Annotated[str, Depends(_language)]


def preferred_language(accept: str) -> str:
    """The supported language with the highest weight (RFC 9110, section 12.5.4); Russian when none is accepted."""
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


def owner(caller: Caller) -> UUID | None:
    """The buyer whose orders the caller may access; None for callers who may access all."""
    return caller.user_id if caller.kind is CallerKind.BUYER else None
