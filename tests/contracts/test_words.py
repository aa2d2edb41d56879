"""How former words are found in names and sentences."""

from __future__ import annotations

import pytest

from tests.contracts.words import words_in


@pytest.mark.parametrize(
    "text",
    ["close_door(order)", "class PaymentDoor:", "DOORS = ()", "the door is open", "HTTPDoor", "test_closed_doors"],
)
def test_former_word_is_found_in_every_form_of_a_name(text: str) -> None:
    assert len(list(words_in(text))) == 1


@pytest.mark.parametrize("text", ["outdoor", "an outstanding amount", "mushroom", "told_at", "newsletter"])
def test_other_words_that_contain_it_are_not_found(text: str) -> None:
    assert list(words_in(text)) == []


def test_the_term_to_use_is_named() -> None:
    assert list(words_in("House")) == [("House", "services")]
