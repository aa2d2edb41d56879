"""Opens the files that an import may be given, and says in one sentence what is wrong with one."""

from __future__ import annotations

import csv
import gzip
import io
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

_GZIP = b"\x1f\x8b"


class UnreadableFile(ValueError):
    """The file cannot be used at all; the message is one sentence for the person who named it."""


@dataclass(frozen=True)
class TableRow:
    """A row and the line it begins on, counted from 1."""

    line_number: int
    cells: Sequence[str]


@dataclass(frozen=True)
class Table:
    """A header and the rows under it."""

    path: Path
    columns: Sequence[str]
    rows: Iterator[TableRow]


def contents(path: Path) -> str:
    """The whole text of a file, unpacked when it is gzipped, without a byte order mark.

    Raises UnreadableFile: missing, empty, not UTF-8, gzip broken.
    """
    try:
        raw = path.read_bytes()
        raw = gzip.decompress(raw) if raw.startswith(_GZIP) else raw
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UnreadableFile(f"{path}: not UTF-8 text (byte {error.start}).") from None
    except (EOFError, gzip.BadGzipFile, zlib.error):
        raise UnreadableFile(f"{path}: the gzip data is broken or cut off.") from None
    except OSError as error:
        raise UnreadableFile(f"{path}: {(error.strerror or 'cannot be read').lower()}.") from None
    if not text.strip():
        raise UnreadableFile(f"{path}: the file is empty.")
    return text


def table(path: Path) -> Table:
    """A CSV file. Raises UnreadableFile, also later from its rows."""
    rows = _numbered(path, contents(path))
    header = next(rows)
    return Table(path, tuple(cell.strip() for cell in header.cells), rows)


def _numbered(path: Path, text: str) -> Iterator[TableRow]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    begins = 1
    try:
        for cells in reader:
            if cells:
                yield TableRow(begins, cells)
            begins = reader.line_num + 1
    except csv.Error:
        raise UnreadableFile(f"{path}: line {begins} is not CSV.") from None
