"""Signing secrets are parsed and validated."""

import pytest

from sandbox.standins.provider.webhook_signing import InvalidSecret, read_secrets


@pytest.mark.parametrize("secret", ["whsec_", "c2VjcmV0", "whsec_!", "whsec_c2VjcmV0,nothing"])
def test_invalid_secret_is_refused(secret: str) -> None:
    with pytest.raises(InvalidSecret, match="whsec_ and base64"):
        read_secrets(secret)
