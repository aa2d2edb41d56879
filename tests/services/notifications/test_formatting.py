"""Template filters: amounts by language and currency, and order numbers."""

from __future__ import annotations

import pytest

from services.notifications.formatting import order_number


def test_an_order_number_is_the_end_of_the_id() -> None:
    assert order_number("01934f2e-8a7b-7c3d-9e21-5a6c9f3a21c4") == "9F3A-21C4"
    with pytest.raises(ValueError, match="hexadecimal"):
        order_number("17")
