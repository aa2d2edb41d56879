"""Reads the Dockerfile and .dockerignore: what each stage copies, and which files reach a build at all."""

from __future__ import annotations

import re
import shutil
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.contracts.checks import ROOT


@dataclass(frozen=True)
class Stage:
    """A stage of the Dockerfile: what it begins with, and the paths that it copies from the build context."""

    base: str
    text: str

    @property
    def sources(self) -> list[str]:
        """The paths that its COPY instructions name."""
        return re.findall(r"^COPY (?!--from)(\S+)", self.text, re.MULTILINE)


def text() -> str:
    """The Dockerfile."""
    return (ROOT / "Dockerfile").read_text()


def stages() -> Mapping[str, Stage]:
    """The stages by name, in their order."""
    parts = re.split(r"^FROM (\S+) AS (\S+)$", text(), flags=re.MULTILINE)[1:]
    return {name: Stage(base, body) for base, name, body in zip(*[iter(parts)] * 3, strict=True)}


def all_sources(stage: str) -> list[str]:
    """The paths that a stage and the stages below it copy."""
    found = stages()
    below = all_sources(found[stage].base) if found[stage].base in found else []
    return [*below, *found[stage].sources]


def copy_to(folder: Path, sources: Collection[str]) -> None:
    """Copy what an image contains, as the build does."""
    for name in context_files(ROOT):
        if any(name == source or name.startswith(f"{source}/") for source in sources):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, folder / name)


@cache
def ignored_patterns() -> list[str]:
    """The lines of .dockerignore without comments."""
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    return [line.strip() for line in lines if line.strip() and not line.startswith("#")]


def context_files(folder: Path, above: str = "") -> Iterator[str]:
    """The files below `folder` that .dockerignore lets into the build context."""
    for path in sorted((folder / above).iterdir()):
        name = f"{above}{path.name}"
        if path.is_dir() and not path.is_symlink():
            if _may_hold_included(name):
                yield from context_files(folder, f"{name}/")
        elif _included(name):
            yield name


def _may_hold_included(directory: str) -> bool:
    kept = [pattern[1:] for pattern in ignored_patterns() if pattern.startswith("!")]
    return any(f"{path}/".startswith(f"{directory}/") or f"{directory}/".startswith(f"{path}/") for path in kept)


def _included(name: str) -> bool:
    """Whether a file is in the context: the last line that matches it, or a directory above it, decides."""
    parts = name.split("/")
    above = ["/".join(parts[:count]) for count in range(1, len(parts) + 1)]
    included = True
    for pattern in ignored_patterns():
        if any(_expression(pattern.removeprefix("!")).fullmatch(path) for path in above):
            included = pattern.startswith("!")
    return included


@cache
def _expression(pattern: str) -> re.Pattern[str]:
    """A pattern of .dockerignore: `**/` is any number of directories, `*` a part of one name."""
    special = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    return re.compile(
        "".join(special.get(part) or re.escape(part) for part in re.split(r"(\*\*/|\*\*|\*|\?)", pattern))
    )
