"""Refresh tokens: random, or derived so that a repeated request gets the same successor."""

from __future__ import annotations

from services.identity.refresh_tokens import RefreshTokens, hash_token

TOKENS = RefreshTokens("first key, second key")
TOKEN = "a token"


def test_a_new_token_is_random_and_url_safe() -> None:
    first, second = TOKENS.new(), TOKENS.new()
    assert first != second
    assert len(first) == 43


def test_a_successor_with_a_key_is_repeatable() -> None:
    successor = TOKENS.successor(TOKEN, "key")
    assert successor == TOKENS.successor(TOKEN, "key")
    assert len({successor, TOKENS.successor(TOKEN, "other"), TOKENS.successor("another token", "key")}) == 3
    assert len(successor) == 43


def test_a_successor_depends_on_the_first_secret_only() -> None:
    assert RefreshTokens("first key").successor(TOKEN, "key") == TOKENS.successor(TOKEN, "key")
    assert RefreshTokens("second key").successor(TOKEN, "key") != TOKENS.successor(TOKEN, "key")


def test_a_successor_without_a_key_is_random() -> None:
    assert TOKENS.successor(TOKEN, None) != TOKENS.successor(TOKEN, None)


def test_any_text_has_a_hash() -> None:
    assert len(hash_token("\ud800")) == 32
    assert hash_token("a") != hash_token("b")
