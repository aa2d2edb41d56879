"""Contracts of deploy/systemd that need no systemd: settings, secrets, rights and ports of its units."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from services.parts import Part
from services.setting_declarations import declared_in
from services.settings import all_settings
from tests.contracts.checks import ROOT, ContractBroken
from tests.contracts.containers import UNUSED
from tests.contracts.kubernetes import DIRECTORY, GRACE
from tests.contracts.settings_pages import secrets_of
from web.settings import WebSettings

FOLDER = ROOT / "deploy" / "systemd"
#: What the programs of a unit are, by its name.
PARTS = {
    "market-api@": Part.API,
    "market-api-internal@": Part.API,
    "market-worker@": Part.WORKERS,
    "market-web@": Part.WEB,
    "market-migrate": Part.MIGRATE,
}
TEMPORAL = "market-temporal"
#: Where a server keeps the examples of settings/, the secrets, and the release.
SETTINGS, SECRETS, RELEASE = "/etc/market/", "/etc/market/secrets/", "/opt/market/current/"
#: The secrets whose file has another name than the setting.
FILES = {("market-migrate", "database_url"): "owner_url"}
#: Instances whose ports the load balancer and Prometheus know.
INSTANCES = ("1", "2")
_CONFINED = {"NoNewPrivileges": ["yes"], "ProtectSystem": ["strict"], "ProtectHome": ["yes"]}


@dataclass(frozen=True)
class Unit:
    """A service: its name without `.service`, and the values of each directive, in their order."""

    name: str
    directives: Mapping[str, Sequence[str]]

    def one(self, name: str) -> str:
        """The value of a directive that it has once; empty without it."""
        return next(iter(self.directives.get(name, [])), "")

    @property
    def secrets(self) -> Mapping[str, str]:
        """The files of its secrets, by the names under which it reads them."""
        return dict(value.split(":", 1) for value in self.directives.get("LoadCredential", []) if ":" in value)

    def environment(self, instance: str = "1") -> Mapping[str, str]:
        """The variables of an instance, with those of the examples of its files; without what is in SECRETS."""
        found = dict(pair for path in self.directives.get("EnvironmentFile", []) for pair in _example(path))
        words = " ".join(self.directives.get("Environment", [])).replace("%i", instance).split()
        return found | {name: value for name, _, value in (word.partition("=") for word in words)}

    def __str__(self) -> str:
        return f"{self.name}.service"


def units() -> Mapping[str, Unit]:
    """Every service of the directory, by its name."""
    found = (Unit(path.stem, _directives(path)) for path in sorted(FOLDER.glob("*.service")))
    return {unit.name: unit for unit in found}


def _directives(path: Path) -> Mapping[str, Sequence[str]]:
    found: dict[str, list[str]] = {}
    for line in path.read_text().splitlines():
        name, equals, value = line.partition("=")
        if equals and not line.startswith("#"):
            found.setdefault(name, []).append(value)
    return found


def _example(path: str) -> Iterator[tuple[str, str]]:
    if path.startswith(SECRETS):
        return
    example = FOLDER / "settings" / path.removeprefix(SETTINGS)
    if not path.startswith(SETTINGS) or not example.is_file():
        raise ContractBroken(f"{path} has no example in deploy/systemd/settings.")
    for line in example.read_text().splitlines():
        name, equals, value = line.partition("=")
        if equals and not line.startswith("#"):
            yield name, value


def set_only_settings_that_exist() -> None:
    """Every variable of a unit of deploy/systemd, and of its files, is a setting of its process and not a secret."""
    if different := sorted(units().keys() ^ {*PARTS, TEMPORAL}):
        raise ContractBroken(f"deploy/systemd has other units than this check knows: {', '.join(different)}.")
    declared = [*all_settings(), *declared_in(WebSettings)]
    for name, part in PARTS.items():
        known = {each.name for each in declared if part in each.declared.parts and not each.declared.secret}
        for variable in units()[name].environment().keys() - known - {DIRECTORY}:
            raise ContractBroken(f"{name} sets {variable}, which {part} does not read or which is a secret.")
    used = {path for unit in units().values() for path in unit.directives.get("EnvironmentFile", [])}
    if unused := [path.name for path in (FOLDER / "settings").iterdir() if f"{SETTINGS}{path.name}" not in used]:
        raise ContractBroken(f"No unit reads {', '.join(unused)}.")


def have_the_secrets_of_their_part() -> None:
    """Each unit of deploy/systemd is given the secrets of its process as files, and no others."""
    for name, part in PARTS.items():
        unit = units()[name]
        needed = {secret.lower() for secret in {*secrets_of(part)} - UNUSED}
        wanted = {secret: f"{SECRETS}{FILES.get((name, secret), secret)}" for secret in needed}
        if unit.secrets != wanted:
            different = ", ".join(sorted({*unit.secrets.items()} ^ {*wanted.items()})[0])
            raise ContractBroken(f"{unit} has too many, too few or other secrets: {different}.")
        if unit.environment().get(DIRECTORY) != "%d":
            raise ContractBroken(f"{unit} must read its secrets from {DIRECTORY}=%d.")
    command = (ROOT / "deploy" / "market-command.sh").read_text()
    listed = re.findall(r"^for name in (.+); do$", command, re.MULTILINE)
    needed = {secret.lower() for secret in {*secrets_of(Part.COMMANDS)} - UNUSED}
    if [{*names.split()} for names in listed] != [needed]:
        raise ContractBroken(f"deploy/market-command.sh must give the secrets {', '.join(sorted(needed))}.")


def run_without_rights() -> None:
    """Each unit of deploy/systemd runs as a user of its own, confined, from the release; each has time to end."""
    for unit in units().values():
        if any(unit.directives.get(name) != value for name, value in _CONFINED.items()):
            raise ContractBroken(f"{unit} may do more than it needs: {', '.join(_CONFINED)}.")
        user = "temporal" if unit.name == TEMPORAL else "market"
        if (unit.one("User"), unit.one("Group")) != (user, user):
            raise ContractBroken(f"{unit} must run as the user and the group {user}.")
        if unit.name in PARTS and unit.one("WorkingDirectory") != RELEASE.rstrip("/"):
            raise ContractBroken(f"{unit} must run in {RELEASE}.")
        if unit.one("Type") == "oneshot":
            continue
        if unit.one("Restart") != "always" or unit.one("StartLimitIntervalSec") != "0":
            raise ContractBroken(f"{unit} must be started again whenever it ends.")
        if int(unit.one("TimeoutStopSec") or 0) <= GRACE:
            raise ContractBroken(f"{unit} needs more than {GRACE} s to end.")


def are_reached_at_their_ports() -> None:
    """haproxy.cfg and prometheus.yml of deploy/systemd lead to the ports of two instances of each unit."""
    balanced = {*re.findall(r"^  server \S+ 127\.0\.0\.1:(\d+)$", (FOLDER / "haproxy.cfg").read_text(), re.MULTILINE)}
    scraped = {
        target.removeprefix("127.0.0.1:")
        for job in yaml.safe_load((FOLDER / "prometheus.yml").read_text())["scrape_configs"]
        for each in job["static_configs"]
        for target in each["targets"]
    } - {"9090"}
    ports: dict[str, set[str]] = {"served": set(), "scraped": set()}
    for unit in units().values():
        for environment in (unit.environment(instance) for instance in INSTANCES):
            ports["served"] |= {environment[name] for name in ("API_PORT", "WEB_PORT") if name in environment}
            ports["scraped"] |= {environment["METRICS_PORT"]} if "METRICS_PORT" in environment else set()
            ports["scraped"] |= {environment.get("PROMETHEUS_ENDPOINT", ":").rpartition(":")[2]} - {""}
    if balanced != ports["served"]:
        raise ContractBroken(f"haproxy.cfg of deploy/systemd: {', '.join(sorted(balanced ^ ports['served']))}.")
    if scraped != ports["scraped"]:
        raise ContractBroken(f"prometheus.yml of deploy/systemd: {', '.join(sorted(scraped ^ ports['scraped']))}.")


def balance_as_compose_does() -> None:
    """The defaults of deploy/systemd/haproxy.cfg are those of deploy/haproxy.cfg, but for the name server."""
    ours, composed = (_defaults(path) for path in (FOLDER / "haproxy.cfg", ROOT / "deploy" / "haproxy.cfg"))
    if ours != composed:
        raise ContractBroken(f"The defaults of the two haproxy.cfg differ: {', '.join(sorted({*ours} ^ {*composed}))}.")


def _defaults(path: Path) -> list[str]:
    text = path.read_text().partition("\ndefaults\n")[2].partition("\n\n")[0]
    lines = [line.strip() for line in text.splitlines() if not line.lstrip().startswith("#")]
    return [line.partition(" resolvers ")[0] for line in lines]


CHECKS = (
    set_only_settings_that_exist,
    have_the_secrets_of_their_part,
    run_without_rights,
    are_reached_at_their_ports,
    balance_as_compose_does,
)
