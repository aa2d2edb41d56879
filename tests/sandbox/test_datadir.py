"""The data directory."""

import stat
from pathlib import Path

import pytest

from sandbox.datadir import DataDir
from sandbox.errors import CannotStart


def test_folder_that_cannot_be_created_is_reported(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CannotStart, match=r"cannot be used .Not a directory.: change its owner, or choose another"):
        DataDir(tmp_path / "file" / "data").lock()


def test_T159_a_data_directory_that_others_may_read_is_closed_to_them(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    folder.chmod(0o755)
    data_dir = DataDir(folder)
    data_dir.lock()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    data_dir.unlock()
