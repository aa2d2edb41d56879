"""The load balancer of deploy/haproxy.cfg as a process of this machine: Debian's haproxy."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

from sandbox.errors import CannotStart
from sandbox.layout import ROOT
from sandbox.ports import LOOPBACK, accepts
from sandbox.programs import Program

CONFIGURATION = ROOT / "deploy" / "haproxy.cfg"
# Debian has it there, which only root has in its PATH.
_PATH = os.environ.get("PATH", "") + os.pathsep + "/usr/sbin"


def load_balancer(
    *,
    api: int,
    internal: int,
    web: int,
    upstream_api: int,
    upstream_web: int,
    names: str,
    log: Path,
    ready: Callable[[], bool] | None = None,
) -> Program:
    """The load balancer, not started.

    Args:
        api: port for clients of the API.
        internal: port for the pages and the stand-ins.
        web: port of the pages.
        upstream_api: port on which each API listens, at an address of its own.
        upstream_web: port on which each process of the pages listens.
        names: `host:port` of the name server that knows `api` and `web`.
        log: file that its output is appended to.
        ready: by default it is ready once it listens.

    Raises:
        CannotStart: haproxy is not installed.
    """
    executable = shutil.which("haproxy", path=_PATH)
    if executable is None:
        raise CannotStart("haproxy is not installed (Debian: apt-get install haproxy).")
    env = {
        "API_BIND": f"{LOOPBACK}:{api}",
        "INTERNAL_BIND": f"{LOOPBACK}:{internal}",
        "WEB_BIND": f"{LOOPBACK}:{web}",
        "API_ADDRESS": f"api:{upstream_api}",
        "WEB_ADDRESS": f"web:{upstream_web}",
        "DNS_ADDRESS": names,
        "CONNECTIONS_PER_ADDRESS": "2000",  # every client of this machine has the same
    }
    argv = [executable, "-db", "-f", str(CONFIGURATION)]
    return Program("load-balancer", argv, env=env, log=log, ready=ready or (lambda: accepts(api) and accepts(web)))
