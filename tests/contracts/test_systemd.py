"""Contracts of deploy/systemd: planted mistakes are found, its processes start, and systemd and others accept it."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from services.parts import Part
from services.startup import read
from tests.contracts import systemd
from tests.contracts.checks import ROOT, ContractBroken
from tests.services.conftest import environment as environment
from tests.services.environment import GOOD
from web.settings import WebSettings

API = "market-api@.service"
#: A mistake: the file, what is replaced, by what, and what the contract says.
PLANTS: dict[str, tuple[Callable[[], None], str, str, str, str]] = {
    "unknown-setting": (
        systemd.set_only_settings_that_exist,
        *("settings/worker.env", "MAIL_FROM=", "MAIL_SENDER=", "market-worker@ sets MAIL_SENDER"),
    ),
    "secret-in-the-settings": (
        systemd.set_only_settings_that_exist,
        *("settings/api.env", "SHOP_ORIGINS=", "SIGNING_KEY=x\nSHOP_ORIGINS=", "market-api@ sets SIGNING_KEY"),
    ),
    "setting-of-another-part": (
        systemd.set_only_settings_that_exist,
        *("market-web@.service", "WEB_PORT=808%i", "API_PORT=808%i", "market-web@ sets API_PORT"),
    ),
    "no-such-file": (
        systemd.set_only_settings_that_exist,
        *(API, "/etc/market/api.env", "/etc/market/apis.env", "apis.env has no example"),
    ),
    "secret-of-another-part": (
        systemd.have_the_secrets_of_their_part,
        *("market-worker@.service", "=sms_url:", "=signing_key:", "too many, too few or other secrets"),
    ),
    "migrations-by-the-role-of-the-processes": (
        systemd.have_the_secrets_of_their_part,
        *("market-migrate.service", "owner_url", "database_url", "market-migrate.service has too many"),
    ),
    "root": (systemd.run_without_rights, API, "User=market", "User=root", "must run as the user"),
    "writes-anywhere": (
        systemd.run_without_rights,
        *("market-temporal.service", "ProtectSystem=strict", "ProtectSystem=no", "may do more than it needs"),
    ),
    "not-started-again": (
        systemd.run_without_rights,
        *("market-worker@.service", "Restart=always", "Restart=on-failure", "must be started again"),
    ),
    "no-time-to-end": (
        systemd.run_without_rights,
        *("market-web@.service", "TimeoutStopSec=30", "TimeoutStopSec=15", "needs more than 20 s"),
    ),
    "another-port": (
        systemd.are_reached_at_their_ports,
        *(API, "API_PORT=800%i", "API_PORT=900%i", "haproxy.cfg of deploy/systemd: 8001, 8002, 9001, 9002"),
    ),
    "not-scraped": (
        systemd.are_reached_at_their_ports,
        *("settings/temporal.env", "127.0.0.1:9140", "127.0.0.1:9141", "prometheus.yml of deploy/systemd: 9140, 9141"),
    ),
    "another-timeout": (
        systemd.balance_as_compose_does,
        *("haproxy.cfg", "timeout server 60s", "timeout server 20s", "timeout server 20s, timeout server 60s"),
    ),
}


@pytest.fixture
def copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the directory, which the contracts read instead."""
    folder = tmp_path / "systemd"
    shutil.copytree(systemd.FOLDER, folder)
    monkeypatch.setattr(systemd, "FOLDER", folder)
    return folder


@pytest.mark.parametrize("case", PLANTS)
def test_T252_a_planted_mistake_is_found(copy: Path, case: str) -> None:
    check, name, before, after, reason = PLANTS[case]
    text = (copy / name).read_text()
    assert before in text
    (copy / name).write_text(text.replace(before, after))
    with pytest.raises(ContractBroken, match=re.escape(reason)):
        check()


@pytest.mark.parametrize("name", ["market-api@", "market-api-internal@", "market-worker@"])
def test_a_process_starts_with_its_settings_and_secrets_alone(
    environment: pytest.MonkeyPatch, tmp_path: Path, name: str
) -> None:
    """The production checks accept unit and examples; the sender of e-mails is an example that they refuse."""
    unit, part = systemd.units()[name], systemd.PARTS[name]
    _set(environment, tmp_path, unit)
    if part is Part.WORKERS:
        with pytest.raises(ValueError, match=r"^MAIL_FROM is an address at a domain that nobody can own"):
            read(parts={part})
        environment.setenv("MAIL_FROM", GOOD["MAIL_FROM"])
    settings = read(parts={part})
    assert not settings.development
    assert settings.metrics_port == {"market-api@": 9101, "market-api-internal@": 9111, "market-worker@": 9121}[name]
    assert settings.api_operations == ("public" if name == "market-api@" else "all")


def test_the_pages_start_with_their_settings_and_secret_alone(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    _set(environment, tmp_path, systemd.units()["market-web@"])
    settings = WebSettings()
    assert (settings.development, settings.secure, settings.web_port) == (False, True, 8081)
    bound = re.search(r"frontend internal\n  bind (\S+)\n", (systemd.FOLDER / "haproxy.cfg").read_text())
    assert bound is not None
    assert settings.api_url == f"http://{bound[1]}"


def _set(environment: pytest.MonkeyPatch, folder: Path, unit: systemd.Unit) -> None:
    for variable in GOOD:
        environment.delenv(variable)
    for variable, value in unit.environment().items():
        environment.setenv(variable, value)
    for name in unit.secrets:
        (folder / name).write_text(GOOD.get(name.upper(), GOOD["SECRETS_KEY"]))
    environment.setenv("SECRETS_DIR", str(folder))


def test_systemd_accepts_the_units(copy: Path) -> None:
    """`systemd-analyze verify` finds nothing, with programs that exist here."""
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("systemd-analyze is not installed (Debian: apt-get install systemd)")
    for path in copy.glob("*.service"):
        text = re.sub(r"^(ExecStart=)\S+", rf"\g<1>{sys.executable}", path.read_text(), flags=re.MULTILINE)
        path.write_text(re.sub(r"^(User|Group)=.*\n", "", text, flags=re.MULTILINE))
    names = [path.name.replace("@.", "@1.") for path in (*copy.glob("*.service"), *copy.glob("*.target"))]
    done = subprocess.run(
        [program, "verify", "--man=no", "--recursive-errors=no", *(str(copy / name) for name in sorted(names))],
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_haproxy_accepts_the_configuration(copy: Path) -> None:
    program = shutil.which("haproxy") or shutil.which("haproxy", path="/usr/sbin")
    if program is None:
        pytest.skip("haproxy is not installed (Debian: apt-get install haproxy)")
    certificate = copy / "certificates"
    certificate.mkdir()
    request = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=shop.example", "-days", "1"]
    files = ["-keyout", str(certificate / "shop.pem.key"), "-out", str(certificate / "shop.pem")]
    subprocess.run([*request, *files], check=True, capture_output=True)
    text = (copy / "haproxy.cfg").read_text().replace("/etc/haproxy/certificates", str(certificate))
    (copy / "haproxy.cfg").write_text(text)
    checked = subprocess.run([program, "-c", "-f", str(copy / "haproxy.cfg")], capture_output=True, text=True)
    assert (checked.returncode, checked.stdout.strip(), checked.stderr) == (0, "Configuration file is valid", "")


def test_prometheus_accepts_the_configuration(copy: Path) -> None:
    program = shutil.which("promtool")
    if program is None:
        pytest.skip("promtool is not installed (Debian: apt-get install prometheus)")
    text = (copy / "prometheus.yml").read_text().replace(systemd.RELEASE, f"{ROOT}/")
    (copy / "prometheus.yml").write_text(text)
    checked = subprocess.run([program, "check", "config", str(copy / "prometheus.yml")], capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "rules found" in checked.stdout
