"""Calls of the sandbox's stand-ins, in development only."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx2
import structlog

#: Seconds for an answer: a page is shown without it.
TIMEOUT = 2.0
_log = structlog.get_logger("web")


@dataclass(frozen=True)
class SandboxClient:
    """The stand-ins, or none: then every answer is None, as when they do not answer."""

    http: httpx2.AsyncClient | None = None

    async def get(self, path: str, **params: str) -> Any:
        """The JSON body of a GET request; None without one."""
        if self.http is None:
            return None
        try:
            return (await self.http.get(path, params=params)).raise_for_status().json()
        except httpx2.HTTPError:
            _log.warning("web.sandbox_unavailable")
            return None


@asynccontextmanager
async def open_sandbox(url: str | None) -> AsyncIterator[SandboxClient]:
    """The connections to the stand-ins at this base URL, which are none without one."""
    if url is None:
        yield SandboxClient()
        return
    async with httpx2.AsyncClient(base_url=url, timeout=TIMEOUT, trust_env=False) as http:
        yield SandboxClient(http)
