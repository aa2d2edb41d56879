"""Temporal by mutual TLS with a private CA, as `docs/deploying.md` says: API, worker and commands (T237)."""

from __future__ import annotations

import ssl
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from temporalio.client import Client
from typer.testing import CliRunner

from sandbox.temporal import TemporalServer, find_binary
from services.__main__ import app
from services.settings import Settings
from tests.fakes.certificates import Authority
from tests.fakes.proxy import TcpProxy
from workers.running import serves_namespace
from workflows.client import connect

Environment = dict[str, str]


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def protected(temporal: TemporalServer, authority: Authority) -> Iterator[Environment]:
    """The settings of a Temporal that takes only clients with a certificate of the authority."""
    server, client = authority.sign("temporal", "temporal.internal", "127.0.0.1"), authority.sign("market")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(authority.certificate))
    context.load_cert_chain(server.certificate, server.key)
    context.verify_mode = ssl.CERT_REQUIRED
    context.set_alpn_protocols(["h2"])
    proxy = TcpProxy(temporal.address, context)
    with proxy.running():
        yield {
            "TEMPORAL_ADDRESS": proxy.address,
            "TEMPORAL_NAMESPACE": "market",
            "TEMPORAL_TLS_SERVER_CA_CERT_PATH": str(authority.certificate),
            "TEMPORAL_TLS_CLIENT_CERT_PATH": str(client.certificate),
            "TEMPORAL_TLS_CLIENT_KEY_PATH": str(client.key),
        }


async def connected(environment: Mapping[str, str], monkeypatch: pytest.MonkeyPatch, *, lazy: bool = False) -> Client:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return await connect(Settings(app_env="development"), lazy=lazy)


@pytest.mark.parametrize("lazy", [False, True], ids=["worker", "api"])
async def test_T237_the_processes_connect_with_their_certificate(
    protected: Environment, monkeypatch: pytest.MonkeyPatch, lazy: bool
) -> None:
    assert await serves_namespace(await connected(protected, monkeypatch, lazy=lazy))


async def test_T237_texts_instead_of_files(protected: Environment, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = {
        name.replace("_PATH", "_DATA"): Path(value).read_text() if name.endswith("_PATH") else value
        for name, value in protected.items()
    }
    assert await serves_namespace(await connected(texts, monkeypatch))


async def test_T237_a_profile_of_the_configuration_file(
    protected: Environment, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The environment has precedence, as in the `temporal` command."""
    file = tmp_path / "temporal.toml"
    tls = protected["TEMPORAL_TLS_SERVER_CA_CERT_PATH"], protected["TEMPORAL_TLS_CLIENT_CERT_PATH"]
    file.write_text(
        f"""
        [profile.shop]
        address = "127.0.0.1:1"
        namespace = "market"
        [profile.shop.tls]
        server_ca_cert_path = "{tls[0]}"
        client_cert_path = "{tls[1]}"
        client_key_path = "{protected["TEMPORAL_TLS_CLIENT_KEY_PATH"]}"
        """
    )
    named = {"TEMPORAL_PROFILE": "shop", "TEMPORAL_CONFIG_FILE": str(file)}
    address = {"TEMPORAL_ADDRESS": protected["TEMPORAL_ADDRESS"]}
    assert await serves_namespace(await connected(named | address, monkeypatch))
    monkeypatch.delenv("TEMPORAL_ADDRESS")
    settings = Settings(app_env="development")
    assert (settings.temporal_address, settings.temporal_namespace) == ("127.0.0.1:1", "market")
    assert settings.temporal_encrypted


def _without_certificate(given: Environment, _: Path) -> Environment:
    return {name: value for name, value in given.items() if "_CLIENT_" not in name}


def _of_another_authority(given: Environment, directory: Path) -> Environment:
    other = Authority(directory, "other").sign("intruder")
    files = {"TEMPORAL_TLS_CLIENT_CERT_PATH": other.certificate, "TEMPORAL_TLS_CLIENT_KEY_PATH": other.key}
    return given | {name: str(value) for name, value in files.items()}


def _unknown_server(given: Environment, directory: Path) -> Environment:
    return given | {"TEMPORAL_TLS_SERVER_CA_CERT_PATH": str(Authority(directory, "other").certificate)}


def _another_host(given: Environment, _: Path) -> Environment:
    return given | {"TEMPORAL_TLS_SERVER_NAME": "elsewhere.internal"}


def _unencrypted(given: Environment, _: Path) -> Environment:
    return {"TEMPORAL_ADDRESS": given["TEMPORAL_ADDRESS"]}


REFUSED = [_without_certificate, _of_another_authority, _unknown_server, _another_host, _unencrypted]


@pytest.mark.parametrize("wrong", REFUSED, ids=lambda wrong: wrong.__name__.strip("_"))
async def test_T237_what_is_not_mutual_tls_is_refused(
    protected: Environment,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    wrong: Callable[[Environment, Path], Environment],
) -> None:
    with pytest.raises(RuntimeError):
        await connected(wrong(protected, tmp_path), monkeypatch)


def test_T237_the_commands_and_temporal_read_the_same_settings(protected: Environment) -> None:
    shown = CliRunner().invoke(app, ["deployment", "show"], env=protected)
    assert (shown.exit_code, shown.stderr) == (0, "")
    command = [str(find_binary()), "workflow", "list"]
    listed = subprocess.run(command, env=protected, capture_output=True, text=True)
    assert (listed.returncode, listed.stderr) == (0, "")
