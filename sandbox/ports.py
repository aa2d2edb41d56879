"""TCP ports on the loopback address: finds free ports, and reports which process uses a port."""

import errno
import os
import random
import socket
from contextlib import suppress
from itertools import islice
from pathlib import Path

from sandbox.errors import CannotStart

LOOPBACK = "127.0.0.1"
# Below the kernel's range for outgoing connections (32768 and up), one of which could take the port meanwhile.
LOWEST, HIGHEST = 15_000, 32_000
LISTEN = "0A"


def free_ports(count: int) -> list[int]:
    """`count` different unused ports, chosen at random so that parallel test runs rarely collide."""
    drawn = random.SystemRandom().sample(range(LOWEST, HIGHEST), HIGHEST - LOWEST)
    return list(islice(filter(is_free, drawn), count))


def free_port() -> int:
    """One unused port."""
    return free_ports(1)[0]


def is_free(port: int) -> bool:
    """Whether a server can listen on this port."""
    return _refusal(port) is None


def accepts(port: int) -> bool:
    """Whether a server accepts connections on this port."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((LOOPBACK, port)) == 0


def require_free(port: int, setting: str) -> None:
    """Check that a server can listen on the port.

    Raises:
        CannotStart: otherwise; names the process that uses the port and `setting`, the variable that changes it.
    """
    refusal = _refusal(port)
    if refusal == errno.EACCES:
        raise CannotStart(f"Port {port} requires root privileges: choose a port above 1023 with {setting}.")
    if refusal is not None:
        raise CannotStart(f"{taken(port)}: stop it, or choose another port with {setting}.")


def taken(port: int) -> str:
    """A sentence like `Port 8000 is in use by pid 71 (uvicorn …)`; without the pid when it is not known."""
    return f"Port {port} is in use by {_owner(port) or 'another process'}"


def _refusal(port: int) -> int | None:
    with socket.socket() as probe:
        # connections of an earlier run in TIME_WAIT do not occupy the port
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError as error:
            return error.errno
    return None


def _owner(port: int) -> str | None:
    inodes = {f"socket:[{inode}]" for inode in _listening_inodes(port)}
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it may have exited, or belong to another user
            if any(_target(handle) in inodes for handle in (process / "fd").iterdir()):
                command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                return f"pid {process.name} ({command.strip()[:80]})"
    return None


def _target(handle: Path) -> str | None:
    """What an open file of a process is; None when it was closed meanwhile, as that of listing them is."""
    try:
        return os.readlink(handle)
    except FileNotFoundError:
        return None


def _listening_inodes(port: int) -> list[str]:
    inodes = []
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        with suppress(OSError):
            rows = [line.split() for line in Path(table).read_text().splitlines()[1:]]
            inodes += [row[9] for row in rows if row[1].endswith(f":{port:04X}") and row[3] == LISTEN]
    return inodes
