"""Settings from files: `NAME_FILE` names the file of a secret, SECRETS_DIR a directory with a file for each setting."""

from __future__ import annotations

import os
import stat
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

#: The variable that names the directory.
DIRECTORY = "SECRETS_DIR"
#: What is added to the name of a secret setting for the path of its file.
SUFFIX = "_FILE"
#: Bytes of a file; a longer one is a mistake, such as a device.
MAX_BYTES = 65_536


def read(names: Collection[str], secrets: Collection[str], environ: Mapping[str, str]) -> dict[str, str]:
    """The values of the settings `names` that are in files; `secrets` are those that may have a `NAME_FILE`.

    Line breaks at the end of a file are not part of its value. A variable of the environment itself is not looked at.
    Raises ValueError with one line for each setting whose file is wrong: its name, never a path, because somebody may
    have written the secret itself there.
    """
    found, wrong = {}, []
    for name, path in _files(names, secrets, environ):
        try:
            found[name] = _text(path)
        except _Unreadable as reason:
            wrong.append(f"{name} cannot be read from its file: {reason}")
    both = [name for name in secrets if environ.get(name) and environ.get(f"{name}{SUFFIX}")]
    wrong += [f"{name} and {name}{SUFFIX} are both set: unset one of them" for name in both]
    if wrong:
        raise ValueError("\n".join(sorted(wrong)))
    return found


def open_to_others(secrets: Collection[str], environ: Mapping[str, str]) -> list[str]:
    """The secret settings whose file every user of the machine may read."""
    return [name for name, path in _files(secrets, secrets, environ) if path.stat().st_mode & stat.S_IROTH]


class _Unreadable(Exception):
    """Why a file has no value."""


def _files(names: Collection[str], secrets: Collection[str], environ: Mapping[str, str]) -> Iterator[tuple[str, Path]]:
    folder = environ.get(DIRECTORY) or None
    if folder and not os.path.isdir(folder):
        raise ValueError(f"{DIRECTORY} is not a directory")
    for name in names:
        path = environ.get(f"{name}{SUFFIX}") if name in secrets else None
        if path:
            yield name, Path(path)
        elif folder and os.path.isfile(file := os.path.join(folder, name.lower())):
            yield name, Path(file)


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise _Unreadable("there is no such file") from None
    except IsADirectoryError:
        raise _Unreadable("it is a directory") from None
    except OSError:
        raise _Unreadable("this process may not read it") from None
    if len(content) > MAX_BYTES:
        raise _Unreadable(f"it has more than {MAX_BYTES:,} bytes")
    try:
        text = content.decode().rstrip("\r\n")
    except UnicodeDecodeError:
        raise _Unreadable("it is not UTF-8 text") from None
    if not text.strip():
        raise _Unreadable("it is empty")
    return text
