"""Standard Webhooks signatures: key rotation, clock tolerance, invalid keys."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from sandbox.standins.provider.webhook_signing import signed_headers
from services.errors import InvalidSignature
from services.payments.signatures import SignatureVerifier
from services.secrets import development_webhook_secret, webhook_keys

OLD, NEW = b"the old key of twenty-four bytes", b"the new key of twenty-four bytes"
NOW, BODY = 1_800_000_000, b'{"status":"succeeded"}'


def is_genuine(keys: Sequence[bytes], signing: Sequence[bytes], *, at: float = NOW, sent: int = NOW) -> bool:
    headers = signed_headers(signing, "msg_1", sent, BODY)
    try:
        return SignatureVerifier(keys, lambda: at).verify(headers.items(), BODY) == "msg_1"
    except InvalidSignature:
        return False


def test_F50_both_keys_are_valid_during_rotation() -> None:
    assert [is_genuine([NEW, OLD], [key]) for key in (OLD, NEW)] == [True, True]
    assert is_genuine([NEW], [OLD, NEW])
    assert [is_genuine([NEW], [key]) for key in (OLD, NEW)] == [False, True]


@pytest.mark.parametrize(("skew", "genuine"), [(-600, False), (-301, False), (-300, True), (300, True), (301, False)])
def test_F51_a_timestamp_outside_the_tolerance(skew: int, genuine: bool) -> None:
    assert is_genuine([NEW], [NEW], sent=NOW + skew) is genuine


@pytest.mark.parametrize("keys", [[], [b""], [NEW, b""]])
def test_T95_missing_and_empty_keys_are_refused(keys: list[bytes]) -> None:
    with pytest.raises(ValueError, match="PAYMENT_WEBHOOK_SECRETS"):
        SignatureVerifier(keys)


@pytest.mark.parametrize("given", ["", "whsec_", "whsec_***", "c2VjcmV0", "whsec_c2VjcmV0,"])
def test_T95_malformed_secrets_are_refused(given: str) -> None:
    with pytest.raises(ValueError, match="whsec_<base64>"):
        webhook_keys(given)


def test_a_development_secret_is_generated_once(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("data")
    made = development_webhook_secret(folder)
    assert development_webhook_secret(folder) == made
    assert [len(key) for key in webhook_keys(made)] == [32]
    assert (folder / "webhook-secret").stat().st_mode & 0o777 == 0o600
