"""Ways to pay: in the sandbox by the provider's test cards and phones, elsewhere by phone or later."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

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
# A card's delay in seconds; `500` is a status instead.
_SUFFIX = re.compile(r"tok_\w+?_(\d+)")
_SERVER_ERROR = "500"


@dataclass(frozen=True)
class TestMethod:
    """A test card or phone."""

    #: `card` or `phone`
    method: str
    value: str
    behaviour: str

    @property
    def does(self) -> str | None:
        """Which text says what the provider does with it; None where the name of its group says it."""
        if self.behaviour not in (*GROUPS["waits"], *GROUPS["misbehaves"]):
            return None
        return "refund_error" if self._suffix == _SERVER_ERROR else self.behaviour

    @property
    def seconds(self) -> str | None:
        """Seconds after which the provider answers, if the card has a number of its own."""
        return None if self._suffix == _SERVER_ERROR else self._suffix

    @property
    def _suffix(self) -> str | None:
        match = _SUFFIX.fullmatch(self.value)
        return match[1] if match else None


@dataclass(frozen=True)
class TestMethods:
    """The sandbox's test cards and phones by group; empty in production."""

    by_group: Mapping[str, list[TestMethod]] = field(default_factory=dict)


async def test_methods(sandbox: SandboxClient) -> TestMethods:
    """What the sandbox offers; nothing without one, or when it does not answer."""
    found = await sandbox.get("/scripts") or ()
    scripts = [TestMethod(script["method"], script["value"], script["behaviour"]) for script in found]
    by_group = {
        group: [script for script in scripts if script.behaviour in behaviours] for group, behaviours in GROUPS.items()
    }
    return TestMethods({group: methods for group, methods in by_group.items() if methods})


def chosen_method(form: Mapping[str, str]) -> dict[str, str]:
    """The member `card` or `phone` of the form's choice (`card:<token>`, `phone:<number>`, `phone` with a number)."""
    kind, _, value = form.get("method", "").partition(":")
    given = value or form.get("phone", "").strip()
    return {kind: given} if kind in ("card", "phone") and given else {}
