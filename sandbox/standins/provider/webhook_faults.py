"""Webhook faults that can be requested: signed webhooks, lost, duplicated, delayed or reordered delivery."""

from dataclasses import dataclass

from sandbox.standins.provider.ledger import Payment

MAX_COPIES = 100
MAX_DELAY = 3600.0


@dataclass(frozen=True)
class WebhookFaults:
    """`generic` also sends signed webhooks, `duplicate` is the number of extra copies, `delay` is in seconds.

    `reorder` delays every other webhook of a payment so that the next one overtakes it."""

    generic: bool = False
    lose: bool = False
    duplicate: int = 0
    delay: float = 0.0
    reorder: bool = False


@dataclass(frozen=True)
class FaultScope:
    """The payments that a rule applies to: one (our reference), those by one test card or phone, or all."""

    reference: str | None = None
    script: str | None = None


class FaultRules:
    """Fault rules; the most specific scope applies. Kept in memory, so a restart removes them."""

    def __init__(self, default: WebhookFaults) -> None:
        self._default = default
        self._rules: dict[FaultScope, WebhookFaults] = {}

    def set(self, scope: FaultScope, faults: WebhookFaults) -> None:
        """Set the faults of a scope; webhooks that are already scheduled do not change."""
        self._rules[scope] = faults

    def clear(self) -> None:
        """Remove all rules."""
        self._rules.clear()

    def for_payment(self, payment: Payment) -> WebhookFaults:
        """The faults for webhooks of this payment."""
        for scope in (FaultScope(reference=payment.reference), FaultScope(script=payment.instrument)):
            if scope != FaultScope() and scope in self._rules:
                return self._rules[scope]
        return self.default

    @property
    def default(self) -> WebhookFaults:
        """The faults of payments without a specific rule."""
        return self._rules.get(FaultScope(), self._default)

    @property
    def rules(self) -> dict[FaultScope, WebhookFaults]:
        """All rules by scope."""
        return dict(self._rules)
