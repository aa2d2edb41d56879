"""The data directory of a stack: locked by one stack at a time, private files, atomic writes."""

import fcntl
import json
import os
from collections.abc import Mapping
from pathlib import Path

from sandbox.errors import CannotStart
from services.secrets import make_private

LOCK = "lock"


class DataDir:
    """`DATA_DIR`, created when missing, readable by its owner only."""

    def __init__(self, path: Path) -> None:
        """Set the path; nothing is created yet."""
        self.path = path.resolve()
        self._lock: int | None = None

    def lock(self) -> None:
        """Create the folder and lock it against other stacks, until `unlock` or the end of this process.

        Raises:
            CannotStart: when another stack holds the lock, or the folder cannot be written.
        """
        try:
            make_private(self.path)
            handle = os.open(self.path / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise CannotStart(
                f"{self.path} cannot be used ({error.strerror}): change its owner, or choose another with DATA_DIR."
            ) from None
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            holder = os.pread(handle, 20, 0).decode() or "unknown"
            os.close(handle)
            raise CannotStart(
                f"{self.path} is in use by another sandbox (pid {holder}): stop it, or choose another with DATA_DIR."
            ) from None
        os.truncate(handle, 0)
        os.pwrite(handle, str(os.getpid()).encode(), 0)
        self._lock = handle

    def unlock(self) -> None:
        """Release the lock."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    @property
    def locked(self) -> bool:
        """Whether this process holds the lock."""
        return self._lock is not None

    def read(self, name: str) -> dict[str, str]:
        """Read the strings of a JSON file; empty when the file is missing. Raises CannotStart when it is not JSON."""
        path = self.path / name
        try:
            found = json.loads(path.read_text()) if path.exists() else {}
            return {str(key): str(value) for key, value in found.items()}
        except (ValueError, AttributeError):
            raise CannotStart(f"{path} is not a JSON object: repair it, or move {self.path} away.") from None

    def write(self, name: str, values: Mapping[str, str]) -> None:
        """Write a JSON file (mode 0600) atomically: readers see the complete old or new file."""
        unfinished = self.path / f"{name}.unfinished"
        handle = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w") as file:
            json.dump(values, file, indent=2)
            file.write("\n")
            file.flush()
            os.fsync(file.fileno())
        unfinished.rename(self.path / name)

    def remove(self, name: str) -> None:
        """Remove a file if it exists."""
        (self.path / name).unlink(missing_ok=True)
