"""Ways to pay: in the sandbox by the provider's test cards and phones, elsewhere by phone or later."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from web.sandbox_client import SandboxClient

#: What a test card or phone does, in the order in which the page shows the groups.
GROUPS = {
    "pays": ("succeeds",),
    "confirms": ("confirms_on_page",),
    "waits": ("answers_later",),
    "declines": ("declines",),
    "misbehaves": (
        "never_calls_back", "calls_back_twice", "out_of_order", "wrong_amount", "times_out_charged",
        "times_out_not_charged", "error_after_charge", "ignores_keys", "refund_fails_twice", "refund_fails",
    ),
}  # fmt: skip


@dataclass(frozen=True)
class TestMethods:
    """The sandbox's test cards and phones by group; empty in production."""

    by_group: Mapping[str, list[Mapping[str, Any]]] = field(default_factory=dict)


async def test_methods(sandbox: SandboxClient) -> TestMethods:
    """What the sandbox offers; nothing without one, or when it does not answer."""
    scripts = await sandbox.get("/scripts") or ()
    by_group = {
        group: [script for script in scripts if script["behaviour"] in behaviours]
        for group, behaviours in GROUPS.items()
    }
    return TestMethods({group: found for group, found in by_group.items() if found})


def chosen_method(form: Mapping[str, str]) -> dict[str, str]:
    """The member `card` or `phone` of the form's choice (`card:<token>`, `phone:<number>`, `phone` with a number)."""
    kind, _, value = form.get("method", "").partition(":")
    given = value or form.get("phone", "").strip()
    return {kind: given} if kind in ("card", "phone") and given else {}
