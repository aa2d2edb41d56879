"""The server that is built is the one of docker-compose.yml."""

from __future__ import annotations

import re

from benchmarks.cluster.temporal_server import MODULE, PROGRAMS, ROLES, ServerPorts
from sandbox.layout import ROOT


def test_the_modules_have_the_version_of_the_images() -> None:
    (pinned,) = re.findall(r"^\tgo\.temporal\.io/server v(\S+)", (MODULE / "go.mod").read_text(), re.MULTILINE)
    images = re.findall(r"image: temporalio/(?:server|admin-tools):(\S+)", (ROOT / "docker-compose.yml").read_text())
    assert set(images) == {pinned}


def test_the_modules_name_the_programs_as_their_tools() -> None:
    assert all(f"\t{package}\n" in (MODULE / "go.mod").read_text() for package in PROGRAMS.values())


def test_each_role_has_ports_of_its_own() -> None:
    environment = ServerPorts.free().environment()
    assert len(set(environment.values())) == 2 * len(ROLES) + 1
