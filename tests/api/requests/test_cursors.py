"""Cursors: they fit the list that they were made for, and no other."""

from __future__ import annotations

import base64
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from api.requests.cursors import Cursors, Listing
from services.errors import Invalid

LAST = UUID(int=7)
LISTING = Listing("GET /orders", "buyer:anna", {"status": "paid"})
CURSORS = Cursors("new key, old key")


def test_a_cursor_holds_the_last_id_of_a_page() -> None:
    assert CURSORS.read(LISTING, CURSORS.write(LISTING, LAST)) == LAST


def test_every_key_verifies_and_the_first_signs() -> None:
    assert CURSORS.read(LISTING, Cursors("old key").write(LISTING, LAST)) == LAST
    assert Cursors("new key").read(LISTING, CURSORS.write(LISTING, LAST)) == LAST
    with pytest.raises(Invalid):
        Cursors("old key").read(LISTING, CURSORS.write(LISTING, LAST))


@pytest.mark.parametrize(
    "changes",
    [{"operation": "GET /orders/me"}, {"caller": "buyer:boris"}, {"filters": {}}, {"filters": {"status": None}}],
)
def test_a_cursor_of_another_list_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(Invalid) as raised:
        CURSORS.read(replace(LISTING, **changes), CURSORS.write(LISTING, LAST))
    assert raised.value.pointer == "/query/cursor"


def test_another_spelling_is_refused() -> None:
    cursor = CURSORS.write(LISTING, LAST)
    for text in ("", "я", f"{cursor}=", f"!{cursor}", cursor[:-1]):
        with pytest.raises(Invalid):
            CURSORS.read(LISTING, text)


def test_another_id_under_the_same_signature_is_refused() -> None:
    raw = base64.urlsafe_b64decode(CURSORS.write(LISTING, LAST) + "==")
    forged = base64.urlsafe_b64encode(UUID(int=8).bytes + raw[16:]).decode().rstrip("=")
    with pytest.raises(Invalid):
        CURSORS.read(LISTING, forged)
