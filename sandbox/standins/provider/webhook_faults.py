"""How webhooks leave on request: signed as well, lost, more than once, late, or overtaken by the next one."""

from dataclasses import dataclass

from sandbox.standins.provider.ledger import Payment

MOST_COPIES = 100
LONGEST_DELAY = 3600.0


@dataclass(frozen=True)
class Manner:
    """`duplicate` counts further copies, `delay` is in seconds, `reorder` holds back every other message."""

    generic: bool = False
    lose: bool = False
    duplicate: int = 0
    delay: float = 0.0
    reorder: bool = False


@dataclass(frozen=True)
class Whose:
    """Whose webhooks: of one payment (our reference), of one card or phone, or everybody's."""

    reference: str | None = None
    script: str | None = None


class Manners:
    """What was asked for; the most particular holds, a restart forgets it all."""

    def __init__(self, usual: Manner) -> None:
        self._usual = usual
        self._asked: dict[Whose, Manner] = {}

    def ask(self, whose: Whose, manner: Manner) -> None:
        """From now on; what is under way already stays as it is."""
        self._asked[whose] = manner

    def forget(self) -> None:
        """Back to the usual manner for everybody."""
        self._asked.clear()

    def of(self, payment: Payment) -> Manner:
        """How webhooks of this payment go out."""
        for whose in (Whose(reference=payment.reference), Whose(script=payment.instrument)):
            if whose != Whose() and whose in self._asked:
                return self._asked[whose]
        return self.usual

    @property
    def usual(self) -> Manner:
        """How everybody's go out who was not named."""
        return self._asked.get(Whose(), self._usual)

    @property
    def asked(self) -> dict[Whose, Manner]:
        """Everything that was asked for."""
        return dict(self._asked)
