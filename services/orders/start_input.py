"""The start input of an order's workflow: stored with the order, so that every start is the same start."""

from dataclasses import asdict, dataclass
from uuid import UUID

# No `from __future__ import annotations`: decoding evaluates string annotations each time (60 µs an input, measured).


@dataclass(frozen=True)
class OrderInput:
    """Ids, minor units, flags and durations in seconds; never anything about a person (I10, FAULTS F74).

    Inputs of open orders are stored: a field that is added later needs a default.
    """

    order_id: UUID
    buyer_id: UUID
    total_minor: int
    currency: str
    has_method: bool
    #: seconds for which the goods are held
    hold_seconds: int
    #: seconds in which a payment must have been started
    payment_window: int
    payment_attempts: int
    #: seconds of trying after which a stuck undo asks for attention
    attention_after: int
    #: False: every step is a regular activity
    local_lane: bool
    #: units of goods in all lines; 0: not known (stored by an earlier release)
    units: int = 0
    #: kind of the payment method at the start, `card` or `phone`; empty: none, or not known
    method: str = ""
    #: the trace of the request that placed the order (W3C); empty: tracing was off
    traceparent: str = ""

    def to_json(self) -> dict[str, str | int]:
        """The input as it is stored; Temporal's own converter reads it back. Without a trace it has no field for it."""
        stored = {name: str(value) if isinstance(value, UUID) else value for name, value in asdict(self).items()}
        if not self.traceparent:
            del stored["traceparent"]
        return stored
