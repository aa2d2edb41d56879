"""Parses the objects of YooKassa one by one: one of somebody else's that is malformed does not hide ours."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

import structlog
from pydantic import BaseModel

from services.payments.gateway import GatewayUnknown, ProviderPayment, ProviderRefund
from services.payments.yookassa.objects import JsonObject, PaymentObject, RefundObject, key_of, our_reference

Parsed = TypeVar("Parsed", bound=BaseModel)
Reported = TypeVar("Reported", ProviderPayment, ProviderRefund)

log = structlog.get_logger(__name__)


def read_payment(found: JsonObject) -> ProviderPayment:
    """A payment object. Raises GatewayUnknown when it is invalid."""
    return _read(PaymentObject, PaymentObject.to_provider_payment, found)


def read_refund(found: JsonObject) -> ProviderRefund:
    """A refund object. Raises GatewayUnknown when it is invalid."""
    return _read(RefundObject, RefundObject.to_provider_refund, found)


def readable_payments(found: Iterable[JsonObject]) -> Iterator[ProviderPayment]:
    """The payments that can be parsed; of the others, those of ours are logged."""
    return _readable(read_payment, found, lambda item: our_reference(item.get("metadata")) is not None)


def readable_refunds(found: Iterable[JsonObject]) -> Iterator[ProviderRefund]:
    """The refunds that can be parsed; of the others, those that we requested are logged."""
    return _readable(read_refund, found, lambda item: key_of(item.get("description")) is not None)


def _readable(
    read: Callable[[JsonObject], Reported], found: Iterable[JsonObject], is_ours: Callable[[JsonObject], bool]
) -> Iterator[Reported]:
    for item in found:
        try:
            yield read(item)
        except GatewayUnknown:
            if is_ours(item):
                log.warning("payments.provider_object_skipped", provider_id=str(item.get("id"))[:64])


def _read(kind: type[Parsed], convert: Callable[[Parsed], Reported], found: JsonObject) -> Reported:
    try:
        return convert(kind.model_validate(found))
    except ValueError as error:
        raise GatewayUnknown("the provider's object is invalid") from error
