"""Ports on the loopback: free ones for tests, and a sentence about who holds a taken one."""

import errno
import os
import random
import socket
from contextlib import suppress
from itertools import islice
from pathlib import Path

from sandbox.errors import CannotStart

LOOPBACK = "127.0.0.1"
# Below the range the kernel draws outgoing connections from (32768 and up), or one of those could take it meanwhile.
LOWEST, HIGHEST = 15_000, 32_000
LISTEN = "0A"


def free_ports(count: int) -> list[int]:
    """`count` different ports nobody listens on now; drawn at random, so that several test runs rarely meet."""
    drawn = random.SystemRandom().sample(range(LOWEST, HIGHEST), HIGHEST - LOWEST)
    return list(islice(filter(is_free, drawn), count))


def free_port() -> int:
    """One port nobody listens on now."""
    return free_ports(1)[0]


def is_free(port: int) -> bool:
    """Whether this port can be listened on now."""
    return _refusal(port) is None


def accepts(port: int) -> bool:
    """Whether somebody accepts connections on this port."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((LOOPBACK, port)) == 0


def require_free(port: int, setting: str) -> None:
    """Return when the port can be listened on.

    Raises:
        CannotStart: otherwise, naming the holder and the setting (an environment variable) that chooses another port.
    """
    refusal = _refusal(port)
    if refusal == errno.EACCES:
        raise CannotStart(f"Port {port} needs more rights than this user has: choose a port above 1023 with {setting}.")
    if refusal is not None:
        raise CannotStart(f"{taken(port)}: stop it, or choose another port with {setting}.")


def taken(port: int) -> str:
    """`Port 8000 is in use by pid 71 (uvicorn …)`, as far as the system tells us."""
    holder = _holder(port)
    return f"Port {port} is in use by {holder or 'another process'}"


def _refusal(port: int) -> int | None:
    with socket.socket() as probe:
        # connections of an earlier run that still wind down do not hold the port
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError as error:
            return error.errno
    return None


def _holder(port: int) -> str | None:
    inodes = {f"socket:[{inode}]" for inode in _listening_inodes(port)}
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it may be gone, or another user's
            if any(os.readlink(handle) in inodes for handle in (process / "fd").iterdir()):
                words = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                return f"pid {process.name} ({words.strip()[:80]})"
    return None


def _listening_inodes(port: int) -> list[str]:
    inodes = []
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        with suppress(OSError):
            rows = [line.split() for line in Path(table).read_text().splitlines()[1:]]
            inodes += [row[9] for row in rows if row[1].endswith(f":{port:04X}") and row[3] == LISTEN]
    return inodes
