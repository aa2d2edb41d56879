"""Reads import files: plain or gzipped text, and CSV tables; each error is one sentence."""

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
    """The file cannot be used; the message is one sentence that starts with its path."""


@dataclass(frozen=True)
class TableRow:
    """A row and the number of its first line, counted from 1."""

    line_number: int
    cells: Sequence[str]


@dataclass(frozen=True)
class Table:
    """A header and the rows under it."""

    path: Path
    columns: Sequence[str]
    rows: Iterator[TableRow]


def read_text(path: Path) -> str:
    """The text of a file, decompressed when it is gzipped, without a byte order mark.

    Raises UnreadableFile: missing, empty, not UTF-8, or invalid gzip data.
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


def read_table(path: Path) -> Table:
    """Read a CSV file. Raises UnreadableFile, also while its rows are iterated."""
    rows = _numbered(path, read_text(path))
    header = next(rows)
    return Table(path, tuple(cell.strip() for cell in header.cells), rows)


def _numbered(path: Path, text: str) -> Iterator[TableRow]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    first_line = 1
    try:
        for cells in reader:
            if cells:
                yield TableRow(first_line, cells)
            first_line = reader.line_num + 1
    except csv.Error:
        raise UnreadableFile(f"{path}: line {first_line} is not CSV.") from None
