"""The runbook (docs/operations.md) as data: its sections, their commands, and what the page says that they print."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from sandbox.layout import ROOT

PAGE = ROOT / "docs" / "operations.md"
_FENCE = re.compile(r"```(sh|text)\n(.*?)```", re.DOTALL)
_SPACES = re.compile(r"\s+")


@dataclass(frozen=True)
class Block:
    """Commands that stand together, and the lines that they print; `…` stands for any text within a line."""

    commands: tuple[str, ...]
    printed: tuple[str, ...]

    @property
    def only_reads(self) -> bool:
        """Whether the commands may be repeated until their output is as the page says."""
        return all(re.match(r"python -m services (attention|\w+ (show|list)\b)", each) for each in self.commands)

    def missing(self, output: str) -> str | None:
        """The first line of the page that is not in the output, after the one before it; None when all are."""
        lines = iter(_plain(output.splitlines()))
        for expected in _plain(self.printed):
            pattern = re.compile(".*".join(map(re.escape, (part.strip() for part in expected.split("…")))))
            if not any(pattern.search(line) for line in lines):
                return expected
        return None


def sections() -> dict[str, list[Block]]:
    """The blocks of each section that has commands, by its title."""
    parts = re.split(r"^## (.+)$", PAGE.read_text(), flags=re.MULTILINE)[1:]
    return dict(zip(parts[::2], [list(_blocks(text)) for text in parts[1::2]], strict=True))


def filled(block: Block, words: Mapping[str, str]) -> Block:
    """The block with the words in capitals replaced. Raises KeyError for one that the situation does not have."""

    def fill(text: str) -> str:
        return re.sub(r"\b(NUMBER|ORDER|EMAIL|BUYER|WORKER|BUILD)\b", lambda found: words[found[1]], text)

    return Block(tuple(map(fill, block.commands)), tuple(map(fill, block.printed)))


def _blocks(text: str) -> Iterator[Block]:
    fences = _FENCE.findall(text)
    for index, (kind, content) in enumerate(fences):
        after, printed = fences[index + 1] if index + 1 < len(fences) else ("", "")
        if kind == "sh":
            yield Block(tuple(content.splitlines()), tuple(printed.splitlines()) if after == "text" else ())


def _plain(lines: tuple[str, ...] | list[str]) -> list[str]:
    """Without the lines of tables, and with one space where there are several."""
    return [_SPACES.sub(" ", line.replace("│", " ")).strip() for line in lines]
