"""Refresh tokens: random at sign-in, then derived, so that a repeated request gets the same successor."""

from __future__ import annotations

from services.identity.refresh_tokens import RefreshTokens, hash_token

TOKENS = RefreshTokens("first key, second key")
TOKEN = "a token"


def test_a_new_token_is_random_and_url_safe() -> None:
    first, second = TOKENS.new(), TOKENS.new()
    assert first != second
    assert len(first) == 43


def test_a_successor_is_repeatable() -> None:
    successor = TOKENS.successor(TOKEN)
    assert successor == TOKENS.successor(TOKEN)
    assert successor != TOKENS.successor("another token")
    assert len(successor) == 43


def test_a_successor_depends_on_the_first_secret_only() -> None:
    assert RefreshTokens("first key").successor(TOKEN) == TOKENS.successor(TOKEN)
    assert RefreshTokens("second key").successor(TOKEN) != TOKENS.successor(TOKEN)


def test_the_hash_of_a_key_depends_on_the_token() -> None:
    hashes = [TOKENS.key_hash(TOKEN, "key"), TOKENS.key_hash(TOKEN, "other"), TOKENS.key_hash("another token", "key")]
    assert len(set(hashes)) == 3
    assert TOKENS.key_hash(TOKEN, "key") == hashes[0]
    assert TOKENS.key_hash(TOKEN, None) is None


def test_any_text_has_a_hash() -> None:
    assert len(hash_token("\ud800")) == 32
    assert hash_token("a") != hash_token("b")
