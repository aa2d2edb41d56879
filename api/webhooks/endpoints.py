"""Add, change, disable and delete webhook endpoints, and rotate their secrets; for operators."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path, Response

from api.access.operation_router import OperationRouter
from api.access.operations import BASE
from api.dependencies import WebhookEndpoints, Webhooks
from api.requests.fields import Id
from api.requests.idempotency import Idempotency, mark_replayed
from api.requests.pagination import Page, Paging
from api.webhooks.schemas import (
    ChangeWebhookEndpoint,
    CreateWebhookEndpoint,
    RedeliveredWebhooks,
    RedeliverWebhooks,
    RotateWebhookSecret,
    WebhookEndpoint,
    WebhookEndpointWithSecret,
    endpoint_shape,
    endpoint_with_secret,
)
from services.webhooks.views import EndpointSecret

router = OperationRouter(prefix="/webhook-endpoints", tags=["Webhooks"])

EndpointId = Annotated[Id, Path(alias="endpointId")]


@router.post("", operation_id="createWebhookEndpoint", summary="Create a webhook endpoint")
def create_webhook_endpoint(
    body: CreateWebhookEndpoint, endpoints: WebhookEndpoints, idempotency: Idempotency, response: Response
) -> WebhookEndpointWithSecret:
    """It gets every event of its types from now on. Its secret is shown this once."""
    added = endpoints.add(body.url, body.description, body.event_types, idempotency.request(body))
    response.headers["Location"] = f"{BASE}/webhook-endpoints/{added.endpoint.id}"
    return _with_secret(added, response)


@router.get("", operation_id="listWebhookEndpoints", summary="List the webhook endpoints")
def list_webhook_endpoints(endpoints: WebhookEndpoints, paging: Paging) -> Page[WebhookEndpoint]:
    """Oldest first, without their secrets."""
    listing = paging.listing({})
    found = endpoints.after(paging.after(listing), paging.limit + 1)
    return paging.page(listing, found, lambda endpoint: endpoint.id, endpoint_shape)


@router.get("/{endpointId}", operation_id="getWebhookEndpoint", summary="Get a webhook endpoint")
def get_webhook_endpoint(endpoint_id: EndpointId, endpoints: WebhookEndpoints) -> WebhookEndpoint:
    """Without its secret."""
    return endpoint_shape(endpoints.get(endpoint_id))


@router.patch("/{endpointId}", operation_id="changeWebhookEndpoint", summary="Change a webhook endpoint")
def change_webhook_endpoint(
    endpoint_id: EndpointId, body: ChangeWebhookEndpoint, endpoints: WebhookEndpoints
) -> WebhookEndpoint:
    """Events of the time in which it is disabled are skipped; they can be sent again later."""
    given = body.model_fields_set
    changed = endpoints.change(
        endpoint_id,
        url=body.url if "url" in given else None,
        description=body.description if "description" in given else None,
        types=body.event_types if "event_types" in given else None,
        enabled=body.enabled if "enabled" in given else None,
    )
    return endpoint_shape(changed)


@router.delete("/{endpointId}", operation_id="deleteWebhookEndpoint", summary="Delete a webhook endpoint")
def delete_webhook_endpoint(endpoint_id: EndpointId, endpoints: WebhookEndpoints) -> None:
    """With its deliveries."""
    endpoints.delete(endpoint_id)


@router.post(
    "/{endpointId}/secret", operation_id="rotateWebhookSecret", summary="Rotate the secret of a webhook endpoint"
)
def rotate_webhook_secret(
    endpoint_id: EndpointId,
    endpoints: WebhookEndpoints,
    idempotency: Idempotency,
    response: Response,
    body: RotateWebhookSecret | None = None,
) -> WebhookEndpointWithSecret:
    """Messages are signed with both secrets until the overlap ends."""
    wanted = body or RotateWebhookSecret()
    return _with_secret(endpoints.rotate(endpoint_id, wanted.overlap_hours, idempotency.request(wanted)), response)


@router.post(
    "/{endpointId}/redeliver",
    operation_id="redeliverFailedWebhooks",
    summary="Send failed webhooks of an endpoint again",
)
def redeliver_failed_webhooks(
    endpoint_id: EndpointId, body: RedeliverWebhooks, webhooks: Webhooks
) -> RedeliveredWebhooks:
    """All messages that failed, or were skipped while it was disabled. Refused while it is disabled."""
    return RedeliveredWebhooks(redelivered=webhooks.redeliver_failed(endpoint_id, body.since))


def _with_secret(made: EndpointSecret, response: Response) -> WebhookEndpointWithSecret:
    if made.secret is None:
        mark_replayed(response)
    return endpoint_with_secret(made.endpoint, made.secret)
