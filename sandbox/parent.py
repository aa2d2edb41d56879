"""Executes a program that is killed when the process that started it exits.

Runs as a separate script (`python -I -S parent.py SIGNAL PARENT IDENTITY -- PROGRAM …`) rather than as a `preexec_fn`,
because running Python code after a fork in a process with threads can deadlock; newer Python versions warn about it.
"""

import ctypes
import os
import signal
import sys
from enum import StrEnum
from pathlib import Path

PR_SET_PDEATHSIG = 1
CLONE_NEWUSER = 0x10000000
NOBODY = 65534  # the conventional id on Linux, with or without an entry in /etc/passwd


class Identity(StrEnum):
    """The user that the program runs as; needed because PostgreSQL refuses to run as root."""

    SAME = "same"
    MAPPED = "mapped"
    NOBODY = "nobody"


def bound_argv(
    argv: list[str], death_signal: signal.Signals = signal.SIGKILL, identity: Identity = Identity.SAME
) -> list[str]:
    """The command that executes `argv` and, when this process exits, sends it `death_signal` (Linux). The pid stays."""
    head = [sys.executable, "-I", "-S", str(Path(__file__).resolve())]
    return [*head, str(int(death_signal)), str(os.getpid()), identity, "--", *argv]


def take_identity(identity: Identity) -> None:
    """Change the user: `mapped` is a user namespace in which the id is 65534; `nobody` is the user 65534 itself.

    Raises:
        OSError: when the kernel or the policy of a container refuses.
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
    """Request `death_signal` from the kernel when the parent exits; a later change of the user would cancel this."""
    if sys.platform != "linux":
        return
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, death_signal, 0, 0, 0)
    if os.getppid() != parent:  # the parent exited before the request
        sys.exit(1)


def main() -> None:
    """Change the user, bind to the parent and execute the program; exit with 126 when one of them fails."""
    death_signal, parent, identity, _, *argv = sys.argv[1:]
    try:
        take_identity(Identity(identity))
        bind_to_parent(int(death_signal), int(parent))
        # Python ignores the first two signals, a shell ignores the others in background jobs; exec would inherit both.
        for ignored in (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGINT, signal.SIGQUIT):
            signal.signal(ignored, signal.SIG_DFL)
        os.execvp(argv[0], argv)  # noqa: S606 - executed without a shell on purpose
    except OSError as error:
        print(f"cannot run {argv[0]}: {error}", file=sys.stderr)
        sys.exit(126)


if __name__ == "__main__":
    main()
