"""Signing keys: from the setting, or created in development."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from services.identity.signing_keys import KEY_FILE, SigningKeys, signing_keys

OTHER_KIND = generate_private_key(SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
BROKEN = OTHER_KIND.replace("M", "A", 1)


def test_development_creates_one_private_key_file(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    with ThreadPoolExecutor(16) as pool:
        made = list(pool.map(lambda _: signing_keys(None, folder, development=True).kid, range(16)))
    assert len(set(made)) == 1
    assert [file.name for file in folder.iterdir()] == [KEY_FILE]
    assert stat.S_IMODE((folder / KEY_FILE).stat().st_mode) == 0o600


def test_a_given_key_is_used_and_no_file_is_written(tmp_path: Path) -> None:
    given = SigningKeys.generate()
    one_line = given.pem().replace("\n", "\\n")
    assert signing_keys(given.pem(), tmp_path, development=False).kid == given.kid
    assert signing_keys(one_line, tmp_path, development=True).kid == given.kid
    assert list(tmp_path.iterdir()) == []


def test_the_first_key_signs_and_all_keys_verify(tmp_path: Path) -> None:
    new, old = SigningKeys.generate(), SigningKeys.generate()
    keys = signing_keys(new.pem() + old.pem(), tmp_path, development=False)
    assert (keys.kid, set(keys.public)) == (new.kid, {new.kid, old.kid})


@pytest.mark.parametrize("given", [None, "", "secret", OTHER_KIND, BROKEN, SigningKeys.generate().pem() + OTHER_KIND])
def test_T116_production_requires_a_valid_key(tmp_path: Path, given: str | None) -> None:
    with pytest.raises(ValueError, match="SIGNING_KEY must be"):
        signing_keys(given, tmp_path, development=False)
