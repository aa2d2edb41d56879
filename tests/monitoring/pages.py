"""The pages of a shop as a process with metrics of its own."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import httpx2

from sandbox.layout import ROOT
from sandbox.ports import LOOPBACK, free_ports
from sandbox.programs import Program, answers_readyz
from tests.journeys.shop import Shop


@contextmanager
def pages(shop: Shop, **settings: str) -> Iterator[tuple[httpx2.Client, str]]:
    """A client of the pages, which have these settings besides, and host:port of their metrics."""
    port, internal = free_ports(2)
    listens = {"WEB_PORT": str(port), "METRICS_PORT": str(internal)}
    program = Program(
        "pages",
        [sys.executable, "-m", "web"],
        env={"APP_ENV": "development", "API_URL": shop.stack.addresses.api, **listens, **settings},
        cwd=ROOT,
        log=shop.stack.settings.data_dir / "logs" / "pages.log",
        ready=answers_readyz(port),
    )
    with program, httpx2.Client(base_url=f"http://{LOOPBACK}:{port}", timeout=20, trust_env=False) as client:
        yield client, f"{LOOPBACK}:{internal}"
