"""The shutdown of a process: once it has begun, requests are still served, and the process is not ready for more."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Shutdown:
    """Shared by the server, which begins it, and by what reports it to clients."""

    begun: bool = False
