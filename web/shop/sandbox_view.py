"""What the sandbox knows of an order: its messages, the provider's ledger, and its workflow."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

from web.repeated_refunds import counted
from web.sandbox_client import SandboxClient
from web.settings import WebSettings
from web.shop.order_view import OrderView


@dataclass(frozen=True)
class SandboxView:
    """Shown beside the order, in the sandbox only."""

    messages: list[dict[str, Any]]
    ledger: list[dict[str, Any]]
    inbox_url: str
    workflow_url: str | None


async def sandbox_view(sandbox: SandboxClient, settings: WebSettings, order: OrderView) -> SandboxView | None:
    """The view; None in production, and when the sandbox does not answer."""
    number = str(order.data["number"])
    inbox, ledger = await asyncio.gather(sandbox.get("/inbox"), _ledger(sandbox, order))
    if inbox is None or ledger is None:
        return None
    mine = [item for item in inbox["items"] if number in f"{item['subject']} {item['text']}"]
    ui = settings.temporal_ui_url
    workflow = f"{ui}/namespaces/{settings.temporal_namespace}/workflows/order-{order.id}" if ui else None
    return SandboxView(mine[::-1], ledger, f"{settings.sandbox_public_url or settings.sandbox_url}/", workflow)


async def _ledger(sandbox: SandboxClient, order: OrderView) -> list[dict[str, Any]] | None:
    if order.payment is None:
        return []
    found = await sandbox.get("/ledger", reference=str(order.payment["paymentId"]))
    return found and [{**charge, "refunds": counted(charge["refunds"])} for charge in found["items"]]
