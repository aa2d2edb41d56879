"""References of refunds made by hand: the numbers stay, what may be a name goes (T232)."""

from __future__ import annotations

import pytest

from services.payments.manual_references import without_prose

PHONES = ["+79161112233", "+44 20 7946 0018"]


@pytest.mark.parametrize(
    ("reference", "kept"),
    [
        ("transfer 4711", "4711"),
        ("TR-2026/0417", "TR-2026/0417"),
        ("SEPA 2026-03-01, no. #A/00123.", "2026-03-01 A/00123"),
        ("ПП-4711 от 01.03.2026", "ПП-4711 01.03.2026"),
        ("Überweisung DE89370400440532013000", "DE89370400440532013000"),
        ("paid to Olga Quibbleton", ""),
        ("o.quibbleton1985@mail.example", ""),
        ("called +79995556677", ""),
        ("called 79161112233, then 8916-111-22-33 or 020-7946-0018", ""),
        ("flat 17a", ""),
        ("account closed", ""),
        ("", ""),
    ],
)
def test_T232_only_numbers_of_a_reference_are_kept(reference: str, kept: str) -> None:
    assert without_prose(reference, PHONES) == kept
