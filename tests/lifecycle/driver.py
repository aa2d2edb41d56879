"""A model of the order's workflow: which step a run makes next, by the results of its steps.

`test_driver.py` checks it against the recorded histories, which in turn are replayed on the workflow itself.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from activities.messages import OrderState, PaymentState, RefundState, ReservedOrder
from services.errors import OrderClaimed, PaymentDeclined
from services.orders.status import OrderStatus, UndoStep
from services.payments.status import PaymentStatus

#: The undos of the saga; they run side by side.
UNDOS = frozenset({UndoStep.RELEASE_STOCK, UndoStep.REFUND_PAYMENT})


@dataclass(frozen=True)
class Refusal:
    """A step or a person was refused; the code of the error."""

    code: str


@dataclass(frozen=True)
class Failure:
    """A step failed, or its process was killed: it is tried again."""


class At(StrEnum):
    """Where a run is: the step that it makes next, or what it waits for."""

    RESERVE_STOCK = "reserve_stock"
    WAIT_FOR_METHOD = "wait_for_method"
    CHARGE_PAYMENT = "charge_payment"
    REFRESH_PAYMENT = "refresh_payment"
    CONFIRM_ORDER = "confirm_order"
    BEGIN_CANCEL = "begin_cancel"
    #: a cancellation came too late: the order is confirmed
    CONFIRM_ANYWAY = "confirm_anyway"
    UNDO = "undo"
    FINISH_CANCEL = "finish_cancel"
    COMPLETED = "completed"
    FAILED = "failed"


_FORWARD = {At.RESERVE_STOCK, At.WAIT_FOR_METHOD, At.CHARGE_PAYMENT, At.REFRESH_PAYMENT, At.CONFIRM_ORDER}


@dataclass(frozen=True)
class Run:
    """A run of an order's workflow between two steps; `attempts`: how often the buyer may try to pay."""

    attempts: int = 1
    at: At = At.RESERVE_STOCK
    has_method: bool = True
    attempt: int = 1
    undos: frozenset[UndoStep] = frozenset()

    @property
    def ended(self) -> bool:
        return self.at in (At.COMPLETED, At.FAILED)

    @property
    def steps(self) -> frozenset[str]:
        """The steps that it makes next."""
        if self.at is At.UNDO:
            return frozenset(map(str, self.undos))
        waits = self.ended or self.at is At.WAIT_FOR_METHOD
        return frozenset() if waits else frozenset({"confirm_order" if self.at is At.CONFIRM_ANYWAY else str(self.at)})

    def after(self, step: str, result: object) -> Run:
        """The run after one of its steps."""
        match result:
            case Failure():
                return self
            case Refusal(code):
                return self._refused(code)
            case ReservedOrder():
                has_method = self.has_method if result.has_method is None else result.has_method
                return replace(self, has_method=has_method, attempt=1 + result.failed_attempts)._pay()
            case PaymentState():
                return self._paying(result.status)
            case RefundState():
                return self.undone(UndoStep.REFUND_PAYMENT) if result.done else self
            case OrderState():
                return self._moved(step, result.status)
        return self.without_method() if step == At.CHARGE_PAYMENT else self.undone(UndoStep(step))

    def interrupted(self) -> Run:
        """A cancellation, or the end of the time for the present step; without effect once it undoes."""
        return replace(self, at=At.BEGIN_CANCEL) if self.at in _FORWARD else self

    def method_given(self) -> Run:
        given = replace(self, has_method=True)
        return replace(given, at=At.CHARGE_PAYMENT) if self.at is At.WAIT_FOR_METHOD else given

    def without_method(self) -> Run:
        return replace(self, has_method=False)._pay()

    def undone(self, undo: UndoStep) -> Run:
        """An undo has finished, or a person says so."""
        left = self.undos - {undo}
        return replace(self, undos=left, at=At.UNDO if left else At.FINISH_CANCEL)

    def _pay(self) -> Run:
        if self.attempt > self.attempts:
            return self.interrupted()
        return replace(self, at=At.CHARGE_PAYMENT if self.has_method else At.WAIT_FOR_METHOD)

    def _paying(self, status: PaymentStatus) -> Run:
        if status is PaymentStatus.SUCCEEDED:
            return replace(self, at=At.CONFIRM_ORDER)
        return self.interrupted() if status is PaymentStatus.REVIEW else replace(self, at=At.REFRESH_PAYMENT)

    def _moved(self, step: str, status: OrderStatus) -> Run:
        if step == At.BEGIN_CANCEL:
            confirmed = status is OrderStatus.CONFIRMED
            return replace(
                self, at=At.CONFIRM_ANYWAY if confirmed else At.UNDO, undos=frozenset() if confirmed else UNDOS
            )
        again = status is OrderStatus.CANCELLING
        return replace(self, at=At.UNDO if again else At.COMPLETED, undos=UNDOS if again else frozenset())

    def _refused(self, code: str) -> Run:
        if code == OrderClaimed.code or self.at not in _FORWARD:
            return replace(self, at=At.FAILED, undos=frozenset())
        if code == PaymentDeclined.code and self.attempt < self.attempts:
            return replace(self, attempt=self.attempt + 1).without_method()
        return self.interrupted()
