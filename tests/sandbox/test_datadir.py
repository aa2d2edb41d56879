"""The data directory."""

from pathlib import Path

import pytest

from sandbox.datadir import DataDir
from sandbox.errors import CannotStart


def test_folder_that_cannot_be_created_is_reported(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CannotStart, match=r"cannot be used .Not a directory.: change its owner, or choose another"):
        DataDir(tmp_path / "file" / "data").lock()
