"""Reads import files: plain or gzipped text, and tables; each error is one sentence."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import re
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

_GZIP = b"\x1f\x8b"
_ZIP = b"PK\x03\x04"
_CHUNK = 1 << 20
#: Signs between cells, the first one that a header has most of.
_DELIMITERS = ",;\t"
# Letters of Russian in Windows-1251, and its other signs that are usual in a price list.
_CP1251 = re.compile(r"[А-яЁё№«»–—°\x00-\x7f\xa0…’“”]+")
_SAVE_AS_UTF8 = "save it as UTF-8 (in Excel: Save As, “CSV UTF-8”), or run `iconv -f {} -t UTF-8`"


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
    #: the sign between cells: where it is not a comma, a comma is a decimal point
    delimiter: str = ","


@contextmanager
def open_text(path: Path) -> Iterator[io.TextIOWrapper]:
    """The text of a file, decompressed when it is gzipped, without a byte order mark, to be read piece by piece.

    Raises UnreadableFile: missing, no regular file, empty, not UTF-8, or invalid gzip data.
    """
    try:
        if path.exists() and not path.is_file():
            raise UnreadableFile(f"{path}: not a regular file: it is read several times, so save it to a file first.")
        _check(path)
        with _open(path) as raw, io.TextIOWrapper(raw, "utf-8-sig", newline="") as text:
            yield text
    except (EOFError, gzip.BadGzipFile, zlib.error):
        raise UnreadableFile(f"{path}: the gzip data is broken or cut off.") from None
    except OSError as error:
        raise UnreadableFile(f"{path}: {(error.strerror or 'cannot be read').lower()}.") from None


def read_table(path: Path) -> Table:
    """Read a table, whose cells are separated by commas, semicolons or tabs; rows without text are left out.

    Raises UnreadableFile, also while its rows are iterated.
    """
    with open_text(path) as text:
        header = next((line for line in text if any(map(line.count, _DELIMITERS))), "")
    delimiter = max(_DELIMITERS, key=header.count)
    rows = _numbered(path, delimiter)
    first = next(rows, None)
    if first is None:
        raise UnreadableFile(f"{path}: the file is empty.")
    return Table(path, tuple(cell.strip() for cell in first.cells), rows, delimiter)


def _numbered(path: Path, delimiter: str) -> Iterator[TableRow]:
    with open_text(path) as text:
        reader = csv.reader(text, strict=True, delimiter=delimiter)
        first_line = 1
        try:
            for cells in reader:
                if any(map(str.strip, cells)):
                    yield TableRow(first_line, cells)
                first_line = reader.line_num + 1
        except csv.Error as error:
            if "field limit" in str(error):
                raise UnreadableFile(
                    f"{path}: line {first_line} has a field of more than {csv.field_size_limit():,} characters"
                    " (is a quotation mark missing?)."
                ) from None
            raise UnreadableFile(f"{path}: line {first_line} is not CSV.") from None


def _open(path: Path) -> gzip.GzipFile | BinaryIO:
    with path.open("rb") as file:
        gzipped = file.read(2) == _GZIP
    return gzip.open(path) if gzipped else path.open("rb")


def _check(path: Path) -> None:
    """Raises UnreadableFile for a file that is empty or not UTF-8, and says what it seems to be."""
    decoder, position, blank = codecs.getincrementaldecoder("utf-8")(), 0, True
    with _open(path) as raw:
        while chunk := raw.read(_CHUNK):
            if position == 0 and (seen := _other_form(chunk)):
                raise UnreadableFile(f"{path}: {seen}.")
            pending = len(decoder.getstate()[0])
            try:
                blank &= not decoder.decode(chunk).strip("\ufeff \t\r\n,;")
            except UnicodeDecodeError as error:
                raise UnreadableFile(f"{path}: {_not_utf8(chunk, position - pending + error.start)}.") from None
            position += len(chunk)
    if cut_off := decoder.getstate()[0]:
        raise UnreadableFile(f"{path}: {_not_utf8(cut_off, position - len(cut_off))}.")
    if blank:
        raise UnreadableFile(f"{path}: the file is empty.")


def _other_form(start: bytes) -> str | None:
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or start[:200].count(0) > len(start[:200]) // 4:
        return f"this is UTF-16 text: {_SAVE_AS_UTF8.format('UTF-16')}"
    if start.startswith(_ZIP):
        return "this is a workbook or an archive, not text: save the sheet as CSV in UTF-8"
    return None


def _not_utf8(chunk: bytes, position: int) -> str:
    text = chunk.decode("cp1251", errors="replace")
    if re.search("[А-я][а-яё]{2}", text) and _CP1251.fullmatch(text):
        return f"this is Windows-1251 text: {_SAVE_AS_UTF8.format('CP1251')}"
    return f"not UTF-8 text (byte {position}): {_SAVE_AS_UTF8.format('ENCODING')}"
