"""Encryption with key rotation."""

from __future__ import annotations

import pytest

from services.secrets import Vault


def test_keys_are_rotated_by_putting_a_new_one_first() -> None:
    old, new = Vault("old"), Vault("new, old")
    sealed = old.seal({"card": "tok_1"})
    assert new.open(sealed) == {"card": "tok_1"}
    assert Vault("new").open(new.seal({"card": "tok_2"})) == {"card": "tok_2"}
    for retired in (Vault("new"), Vault("other")):
        with pytest.raises(ValueError, match="was a key retired too early"):
            retired.open(sealed)
