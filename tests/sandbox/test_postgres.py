"""The embedded PostgreSQL: database, crash recovery and start errors."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from sandbox.binaries import find_binaries, major_version
from sandbox.errors import CannotStart
from sandbox.ports import free_port
from sandbox.postgres import EmbeddedPostgres, processes_in


@pytest.fixture(scope="module")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    with EmbeddedPostgres(tmp_path_factory.mktemp("postgres"), free_port(), "quite: s@cret/") as server:
        yield server


def query(server: EmbeddedPostgres, statement: str) -> object:
    with psycopg.connect(server.url()) as connection:
        row = connection.execute(statement.encode()).fetchone()
        assert row is not None
        return row[0]


def test_role_market_owns_the_database_market(postgres: EmbeddedPostgres) -> None:
    owner = query(postgres, "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = current_database()")
    assert (owner, query(postgres, "SELECT current_database()::text")) == ("market", "market")


@pytest.mark.parametrize(
    ("statement", "value"),
    [
        ("SELECT lower('ПРИВЕТ')", "привет"),
        ("SELECT 'Чайник' ILIKE '%чай%'", True),
        ("SHOW fsync", "on"),
        ("SHOW shared_buffers", "128MB"),
        ("SHOW max_connections", "200"),
        ("SHOW timezone", "UTC"),
        ("SHOW listen_addresses", "127.0.0.1"),
    ],
)
def test_server_settings(postgres: EmbeddedPostgres, statement: str, value: object) -> None:
    assert query(postgres, statement) == value


def test_wrong_password_is_refused(postgres: EmbeddedPostgres) -> None:
    other = EmbeddedPostgres(postgres.data_dir, postgres.port, "a guess")
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(other.url())


def test_committed_rows_survive_sigkill(postgres: EmbeddedPostgres) -> None:
    with psycopg.connect(postgres.url()) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    postgres.kill()
    assert not postgres.running
    assert processes_in(postgres.cluster) == []
    postgres.start()
    assert query(postgres, "SELECT answer FROM kept") == 42


def test_stale_pid_file_with_the_pid_of_another_process_is_removed(postgres: EmbeddedPostgres) -> None:
    postgres.kill()
    pid_file = postgres.cluster / "postmaster.pid"
    lines = pid_file.read_text().splitlines()
    pid_file.write_text("\n".join([str(os.getppid()), *lines[1:]]))
    postgres.start()
    assert query(postgres, "SELECT 1") == 1


def test_second_server_in_the_same_cluster_is_refused(
    postgres: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sandbox.postgres.LEFT_OVER_WITHIN", 0.1)
    with pytest.raises(CannotStart, match=f"in use by another PostgreSQL .pid {postgres.pid}, "):
        EmbeddedPostgres(postgres.data_dir, free_port(), "quite: s@cret/").start()
    assert query(postgres, "SELECT 1") == 1


def test_changed_password_is_reported(postgres: EmbeddedPostgres) -> None:
    postgres.stop()
    other = EmbeddedPostgres(postgres.data_dir, postgres.port, "another")
    try:
        with pytest.raises(CannotStart, match=r"created with another password: restore secrets\.json"):
            other.start()
    finally:
        other.stop()
    postgres.start()


def test_port_in_use_is_reported_before_any_file_is_created(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(CannotStart, match=f"Port {port} is in use by pid {os.getpid()} .*POSTGRES_PORT"):
            EmbeddedPostgres(tmp_path, port, "quite: s@cret/").start()
    assert list(tmp_path.iterdir()) == []


def test_cluster_of_another_version_is_refused_and_not_changed(tmp_path: Path) -> None:
    cluster = tmp_path / "postgres"
    cluster.mkdir()
    (cluster / "PG_VERSION").write_text("9.6\n")
    with pytest.raises(CannotStart, match=r"created by PostgreSQL 9\.6, this is \d+: dump it .* set DATABASE_URL"):
        EmbeddedPostgres(tmp_path, free_port(), "quite: s@cret/").start()
    assert [path.name for path in cluster.iterdir()] == ["PG_VERSION"]


def test_partial_cluster_of_an_interrupted_initdb_is_replaced(tmp_path: Path) -> None:
    unfinished = tmp_path / "postgres.unfinished"
    unfinished.mkdir()
    (unfinished / "PG_VERSION").write_text("9.6\n")
    with EmbeddedPostgres(tmp_path, free_port(), "quite: s@cret/", durable=False) as server:
        assert query(server, "SHOW fsync") == "off"
        assert not unfinished.exists()


def test_missing_binaries_are_reported(tmp_path: Path) -> None:
    with pytest.raises(CannotStart, match=r"No PostgreSQL binaries found: install requirements/run\.txt"):
        find_binaries([tmp_path])
    assert int(major_version(find_binaries())) >= 14
