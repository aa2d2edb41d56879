"""The number of an order."""

from __future__ import annotations

import pytest

from services.order_number import end_of_id, order_number


def test_an_order_number_is_the_end_of_the_id() -> None:
    assert order_number("01934f2e-8a7b-7c3d-9e21-5a6c9f3a21c4") == "9F3A-21C4"
    with pytest.raises(ValueError, match="hexadecimal"):
        order_number("17")


@pytest.mark.parametrize(
    "typed",
    [
        "9F3A-21C4",
        "9f3a21c4",
        " 9f3a-21C4 ",
        "№ 9F3A 21C4",
        "#9f3a–21c4",
        "９Ｆ３А‑21С4",
        "9F3A-\u200b21C4",
        "9f3a--21c4",
    ],
)
def test_a_number_may_be_typed_in_any_case_and_without_the_hyphen(typed: str) -> None:
    assert end_of_id(typed) == "9f3a21c4"


@pytest.mark.parametrize(
    "typed", ["", "9F3A", "9F3A-21C", "9F3A-21C44", "9F3A-21CG", "%", "٩F3A-21C4", "-" * 40 + "9F3A21C4"]
)
def test_what_is_no_number_is_refused(typed: str) -> None:
    with pytest.raises(ValueError, match="not an order number"):
        end_of_id(typed)
