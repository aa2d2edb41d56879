"""YooKassa's API v3 over HTTP: authentication, requests and responses."""

import asyncio
import hmac
import json
from base64 import b64encode
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from sandbox.standins.connections import hang
from sandbox.standins.provider.idempotence import IdempotenceKey, key_of
from sandbox.standins.provider.limits import check_limits
from sandbox.standins.provider.provider import Provider, ProviderResponse
from sandbox.standins.provider.receipt_checks import check_receipt
from sandbox.standins.provider.refunds import Refunds
from sandbox.standins.provider.request_checks import read_list, read_payment, read_refund
from sandbox.standins.provider.yookassa_json import ApiError, JsonObject, invalid_request, object_list, refund_object

Endpoint = Callable[[Request], Awaitable[Response]]
MAX_KEY_LENGTH = 64


class NoResponse(Response):
    """No response: the connection stays open for `seconds`, then it is aborted."""

    def __init__(self, request: Request, seconds: float, closing: asyncio.Event) -> None:
        super().__init__()
        self.request = request
        self.seconds = seconds
        self.closing = closing

    async def __call__(self, _scope: Scope, _receive: Receive, _send: Send) -> None:
        """Wait instead of sending."""
        await hang(self.request, self.seconds, self.closing)


class PaymentsApi:
    """The operations of the payment provider; `closing` is set when the process shuts down."""

    def __init__(self, provider: Provider, closing: asyncio.Event) -> None:
        self.provider = provider
        self.refunds = Refunds(provider)
        self.closing = closing
        shop = f"{provider.settings.shop_id}:{provider.settings.secret_key}"
        self._authorization = f"Basic {b64encode(shop.encode()).decode()}".encode()

    def routes(self) -> list[Route]:
        """The paths under `/v3`."""
        return [
            Route("/v3/payments", self._guarded(self.create_payment), methods=["POST"]),
            Route("/v3/payments", self._guarded(self.list_payments), methods=["GET"]),
            Route("/v3/payments/{id}", self._guarded(self.get_payment), methods=["GET"]),
            Route("/v3/payments/{id}/capture", self._guarded(self.capture_or_cancel), methods=["POST"]),
            Route("/v3/payments/{id}/cancel", self._guarded(self.capture_or_cancel), methods=["POST"]),
            Route("/v3/refunds", self._guarded(self.create_refund), methods=["POST"]),
            Route("/v3/refunds", self._guarded(self.list_refunds), methods=["GET"]),
            Route("/v3/refunds/{id}", self._guarded(self.get_refund), methods=["GET"]),
        ]

    def _guarded(self, endpoint: Endpoint) -> Endpoint:
        async def authenticated(request: Request) -> Response:
            try:
                self._authenticate(request)
                return await endpoint(request)
            except ApiError as error:
                return JSONResponse(error.body, error.status)

        return authenticated

    def _authenticate(self, request: Request) -> None:
        given = request.headers.get("authorization", "").encode()
        if not hmac.compare_digest(given, self._authorization):
            description = "Error in shopId or secret key. Check their validity"
            raise ApiError(401, "invalid_credentials", description, "Authorization")

    async def create_payment(self, request: Request) -> Response:
        """POST /v3/payments"""
        body = await _body(request)
        wanted = read_payment(body)
        if self.provider.settings.live_limits:
            check_limits(wanted)
        check_receipt(body, wanted.value, wanted.currency, required=self.provider.settings.fiscal)
        return await self._send(request, self.provider.create_payment(wanted, _key("payments", request, body)))

    async def create_refund(self, request: Request) -> Response:
        """POST /v3/refunds"""
        body = await _body(request)
        wanted = read_refund(body)
        check_receipt(body, wanted.value, wanted.currency, required=self.provider.settings.fiscal)
        return await self._send(request, self.refunds.create_refund(wanted, _key("refunds", request, body)))

    async def _send(self, request: Request, response: ProviderResponse) -> Response:
        if response.body is None:
            return NoResponse(request, self.provider.settings.hang, self.closing)
        if response.delay:
            await _wait_unless_closing(self.closing, response.delay)
        return JSONResponse(response.body, response.status)

    async def get_payment(self, request: Request) -> Response:
        """GET /v3/payments/{id}"""
        return JSONResponse(self.provider.payment_json(self.provider.payment(request.path_params["id"])))

    async def capture_or_cancel(self, request: Request) -> Response:
        """POST /v3/payments/{id}/capture and /cancel: always refused, because every payment is captured at once."""
        status = self.provider.payment(request.path_params["id"]).status
        raise invalid_request(f"Only a payment in waiting_for_capture can do that, this one is {status}", "payment_id")

    async def get_refund(self, request: Request) -> Response:
        """GET /v3/refunds/{id}"""
        return JSONResponse(refund_object(self.refunds.find(request.path_params["id"])))

    async def list_payments(self, request: Request) -> Response:
        """GET /v3/payments, newest first"""
        requested = read_list(request.query_params, ("status",))
        found = self.provider.ledger.payments(requested.filter_, requested.limit + 1)
        return _page(
            [self.provider.payment_json(payment) for payment in found], [row.seq for row in found], requested.limit
        )

    async def list_refunds(self, request: Request) -> Response:
        """GET /v3/refunds, newest first"""
        requested = read_list(request.query_params, ("status", "payment_id"))
        found = self.provider.ledger.refunds(requested.filter_, requested.limit + 1)
        return _page([refund_object(refund) for refund in found], [row.seq for row in found], requested.limit)


async def _wait_unless_closing(closing: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(closing.wait(), seconds)
    except TimeoutError:
        return


def _page(items: list[JsonObject], sequence_numbers: list[int], limit: int) -> Response:
    return JSONResponse(object_list(items[:limit], str(sequence_numbers[limit - 1]) if len(items) > limit else None))


async def _body(request: Request) -> JsonObject:
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        raise ApiError(415, "unsupported_media_type", "The body must be application/json")
    try:
        body: Any = json.loads(await request.body())
    except ValueError:
        raise invalid_request("The body is not JSON", "body") from None
    if not isinstance(body, dict):
        raise invalid_request("The body is not a JSON object", "body")
    return body


def _key(scope: str, request: Request, body: JsonObject) -> IdempotenceKey:
    key = request.headers.get("idempotence-key", "")
    if not 1 <= len(key) <= MAX_KEY_LENGTH:
        raise invalid_request(f"Idempotence key is empty or longer than {MAX_KEY_LENGTH} characters", "Idempotence-Key")
    return key_of(scope, key, body)
