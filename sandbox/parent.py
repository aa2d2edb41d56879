"""A program that dies with its parent: binds itself to the process that started it, then becomes the program asked for.

Run as a script of its own (`python -I -S parent.py SIGNAL PARENT IDENTITY -- PROGRAM …`) rather than as a `preexec_fn`,
because forking Python code out of a process with threads can deadlock, and newer Pythons warn about it.
"""

import ctypes
import os
import signal
import sys
from enum import StrEnum
from pathlib import Path

PR_SET_PDEATHSIG = 1
CLONE_NEWUSER = 0x10000000
NOBODY = 65534  # by custom everywhere on Linux, with or without an entry in /etc/passwd


class Identity(StrEnum):
    """Who the program believes to be: PostgreSQL refuses to run as root."""

    SAME = "same"
    MAPPED = "mapped"
    NOBODY = "nobody"


def bound_argv(
    argv: list[str], death_signal: signal.Signals = signal.SIGKILL, identity: Identity = Identity.SAME
) -> list[str]:
    """The command that runs `argv` with the same pid, and sends it `death_signal` when this process is gone (Linux)."""
    head = [sys.executable, "-I", "-S", str(Path(__file__).resolve())]
    return [*head, str(int(death_signal)), str(os.getpid()), identity, "--", *argv]


def take_identity(identity: Identity) -> None:
    """Become another user: `mapped` keeps our rights on files but is called 65534; `nobody` is that user for good.

    Raises:
        OSError: when the kernel or a container's policy refuses.
    """
    if identity is Identity.MAPPED:
        user, group = os.geteuid(), os.getegid()
        if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWUSER) != 0:
            raise OSError(ctypes.get_errno(), "no user namespace")
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{NOBODY} {user} 1")
        Path("/proc/self/gid_map").write_text(f"{NOBODY} {group} 1")
    elif identity is Identity.NOBODY:
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)


def bind_to_parent(death_signal: int, parent: int) -> None:
    """Ask the kernel for `death_signal` when our parent dies; after any change of user, which would clear that."""
    if sys.platform != "linux":
        return
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, death_signal, 0, 0, 0)
    if os.getppid() != parent:  # it died before we had asked
        sys.exit(1)


def main() -> None:
    """Parse, become, bind, exec; exit 126 when the program or the identity cannot be had."""
    death_signal, parent, identity, _, *argv = sys.argv[1:]
    try:
        take_identity(Identity(identity))
        bind_to_parent(int(death_signal), int(parent))
        # Python ignores the first two, a shell that starts us in its background the others; exec would hand that down.
        for ignored in (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGINT, signal.SIGQUIT):
            signal.signal(ignored, signal.SIG_DFL)
        os.execvp(argv[0], argv)  # noqa: S606 - no shell is meant
    except OSError as error:
        print(f"cannot run {argv[0]}: {error}", file=sys.stderr)
        sys.exit(126)


if __name__ == "__main__":
    main()
