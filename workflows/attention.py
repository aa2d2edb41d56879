"""The reasons for which a workflow needs a person, on the order's row and as search attributes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from workflows.search_attributes import ATTENTION_REASON, NEEDS_ATTENTION

SetReason = Callable[[str], Awaitable[None]]
ShowReasons = Callable[[Sequence[str]], object]


class Attention:
    """Raises reasons and clears them; a reason that is cleared leaves the others as they are."""

    def __init__(self, raise_reason: SetReason, clear_reason: SetReason, show: ShowReasons) -> None:
        """`raise_reason` and `clear_reason` write the order's row; `show` shows all reasons in the Web UI."""
        self._raise_reason = raise_reason
        self._clear_reason = clear_reason
        self._show = show
        self._reasons: list[str] = []

    async def raise_(self, reason: str) -> None:
        """Ask for a person, once a reason (a short code)."""
        if reason in self._reasons:
            return
        self._reasons.append(reason)
        self._publish()
        await self._raise_reason(reason)

    async def clear(self, reason: str) -> None:
        """The reason holds no longer."""
        if reason not in self._reasons:
            return
        self._reasons.remove(reason)
        self._publish()
        await self._clear_reason(reason)

    def _publish(self) -> None:
        reason = ATTENTION_REASON.value_set(self._reasons[0]) if self._reasons else ATTENTION_REASON.value_unset()
        self._show(self._reasons)
        workflow.upsert_search_attributes([NEEDS_ATTENTION.value_set(bool(self._reasons)), reason])
