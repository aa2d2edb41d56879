"""The phone number that was given with an order, which is stored encrypted for as long as the order."""

from __future__ import annotations

from uuid import UUID

import structlog

from services.secrets import Vault

_log = structlog.get_logger(__name__)


def phone_of(vault: Vault, sealed: bytes | None, order_id: UUID) -> str | None:
    """The number (E.164); None when there is none, and when its key was retired, which is an error in the log.

    One order that cannot be read must not keep others from what they wait for.
    """
    if sealed is None:
        return None
    try:
        return vault.open(sealed)["phone"]
    except ValueError:
        _log.error("order.contact_lost", order_id=str(order_id))
        return None
