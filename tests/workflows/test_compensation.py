"""Sagas: steps in order, undos side by side unless one waits for another, and what may be undone at all."""

from __future__ import annotations

import asyncio

import pytest
from temporalio.exceptions import ApplicationError, CancelledError

from services.errors import OrderClaimed, OutOfStock
from workflows.compensation import Saga, Step, Undo, may_undo, refusal_of, shielded


class Log:
    """Notes which steps and undos ran, in order."""

    def __init__(self) -> None:
        self.entries: list[str] = []

    def step(self, name: str, after: tuple[str, ...] = (), *, fails: bool = False) -> Step:
        async def run() -> None:
            self.entries.append(name)
            if fails:
                raise ApplicationError("no", type=OutOfStock.code, non_retryable=True)

        async def undo() -> None:
            await asyncio.sleep(0)
            self.entries.append(f"undo {name}")

        return Step(run, undo=Undo(name, undo, after=after))


async def run_undo(undo: Undo) -> None:
    await undo.run()


async def test_steps_run_in_order_and_stop_at_the_first_failure() -> None:
    log = Log()
    saga = Saga(log.step("reserve"), log.step("wrap", fails=True), log.step("pay"))
    with pytest.raises(ApplicationError):
        await saga.forward()
    assert log.entries == ["reserve", "wrap"]


async def test_every_undo_runs_newest_first_also_of_steps_that_were_not_reached() -> None:
    log = Log()
    await Saga(log.step("reserve"), log.step("wrap"), log.step("pay")).undo(run_undo)
    assert log.entries == ["undo pay", "undo wrap", "undo reserve"]


async def test_an_undo_waits_for_those_that_it_names() -> None:
    log = Log()
    await Saga(log.step("reserve"), log.step("wrap"), log.step("pay", after=("reserve",))).undo(run_undo)
    assert log.entries == ["undo wrap", "undo reserve", "undo pay"]


async def test_an_undo_that_waits_does_not_hold_up_the_others() -> None:
    log, go = Log(), asyncio.Event()

    async def run(undo: Undo) -> None:
        if undo.step == "pay":
            await go.wait()
        await undo.run()

    undoing = asyncio.ensure_future(Saga(log.step("reserve"), log.step("pay")).undo(run))
    while log.entries != ["undo reserve"]:
        await asyncio.sleep(0)
    go.set()
    await undoing
    assert log.entries == ["undo reserve", "undo pay"]


async def test_an_undo_that_is_refused_lets_the_others_end_first() -> None:
    """A workflow that ended while a local activity is open would hang; undos after the refused one do not start."""
    log, go = Log(), asyncio.Event()

    async def run(undo: Undo) -> None:
        if undo.step == "pay":
            raise ApplicationError("no", type="invalid-transition", non_retryable=True)
        await go.wait()
        await undo.run()

    saga = Saga(log.step("reserve"), log.step("wrap", after=("pay",)), log.step("pay"))
    undoing = asyncio.ensure_future(saga.undo(run))
    for _ in range(5):
        await asyncio.sleep(0)
    assert not undoing.done()
    go.set()
    with pytest.raises(ApplicationError):
        await undoing
    assert log.entries == ["undo reserve"]


@pytest.mark.parametrize(
    "after", [{"reserve": ("pay",), "pay": ("reserve",)}, {"reserve": ("gift",), "pay": ()}], ids=["cycle", "unknown"]
)
def test_undos_that_can_never_start_are_refused(after: dict[str, tuple[str, ...]]) -> None:
    log = Log()
    with pytest.raises(ValueError, match="never start"):
        Saga(*[log.step(name, waits) for name, waits in after.items()])


@pytest.mark.parametrize(
    ("error", "undoable"),
    [
        (ApplicationError("x", type=OutOfStock.code, non_retryable=True), True),
        (ApplicationError("x", type=OrderClaimed.code, non_retryable=True), False),
        (CancelledError(), True),
        (asyncio.CancelledError(), True),
        (TimeoutError(), True),
        (KeyError("a bug"), False),
    ],
)
def test_what_may_be_undone(error: BaseException, undoable: bool) -> None:
    assert may_undo(error) is undoable


def test_a_refusal_is_recognised_by_its_code() -> None:
    assert refusal_of(ApplicationError("x", type=OutOfStock.code, non_retryable=True)) == "out-of-stock"
    assert refusal_of(ApplicationError("x", type="service-unavailable")) is None
    assert refusal_of(CancelledError()) is None


async def test_shielded_work_ends_whatever_cancellations_arrive() -> None:
    go = asyncio.Event()

    async def work() -> str:
        await go.wait()
        return "done"

    running = asyncio.ensure_future(shielded(work()))
    for _ in range(3):
        await asyncio.sleep(0)
        running.cancel()
    go.set()
    assert await running == "done"
