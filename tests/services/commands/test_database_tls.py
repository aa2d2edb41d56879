"""PostgreSQL by TLS with a private CA and `sslmode=verify-full` (T238)."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from services import db
from tests.fakes.certificates import Authority
from tests.fakes.proxy import PostgresTlsProxy
from tests.services.commands.conftest import Commands

REFUSED = "The database's certificate is refused: check sslmode and sslrootcert of DATABASE_URL"


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@contextmanager
def encrypted(database_url: str, authority: Authority, *hosts: str) -> Iterator[str]:
    """The address of a server that takes encrypted connections only, and whose certificate is for these hosts."""
    signed = authority.sign("database", *hosts)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(signed.certificate, signed.key)
    proxy = PostgresTlsProxy(database_url, context)
    with proxy.running():
        yield proxy.address


def verified(address: str, root: Path, mode: str = "verify-full") -> str:
    return f"{address}?sslmode={mode}&sslrootcert={root}"


def test_T238_commands_and_processes_connect_encrypted(database_url: str, authority: Authority, tmp_path: Path) -> None:
    with encrypted(database_url, authority, "127.0.0.1") as address:
        url = verified(address, authority.certificate)
        done = Commands(tmp_path, url)("migrate")
        assert (done.exit_code, done.stdout) == (0, "The schema is current.\n")
        database = db.connect(url, pool_size=1)
        try:
            assert database.fetch_value("SELECT 1") == 1
        finally:
            database.close()
        assert Commands(tmp_path, f"{address}?sslmode=disable")("migrate").exit_code == 1


def test_T238_a_server_of_another_authority_or_another_host_is_refused(
    database_url: str, authority: Authority, tmp_path: Path
) -> None:
    other = Authority(tmp_path, "other")
    with encrypted(database_url, authority, "127.0.0.1") as address:
        refused(tmp_path, verified(address, other.certificate))
        refused(tmp_path, verified(address, tmp_path / "nowhere.pem"))
    with encrypted(database_url, authority, "database.internal") as address:
        refused(tmp_path, verified(address, authority.certificate))
        by_authority = verified(address, authority.certificate, "verify-ca")
        assert Commands(tmp_path, by_authority)("migrate").exit_code == 0


def refused(data_dir: Path, database_url: str) -> None:
    """The command that runs first in a deployment says why, and nothing of the address; the others are refused too."""
    done = Commands(data_dir, database_url)("migrate")
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr.startswith(REFUSED)
    assert database_url.split("@")[0] not in done.stderr
    assert Commands(data_dir, database_url)("attention").exit_code == 1
