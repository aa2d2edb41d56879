"""Contract of the vocabulary: private words of the project that field terms have replaced must not come back.

`python -m tests.contracts.words` lists every occurrence.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.contracts.checks import ROOT, ContractBroken
from tests.contracts.tree import source_files

#: Former words, all forms of one word in a key, and the term to use instead.
TERMS = {
    "admission admit admits admitted": "authorize, acquire a permit",
    "agenda agendas": "scheduler, scheduled tasks",
    "careless carelessly": "not durable; in tests: changed, modified",
    "catalogue catalogues": "catalog; template registry",
    "courier couriers": "command delivery, message sender",
    "door doors": "endpoint, operation, port, entry point",
    "doubts": "production warnings",
    "errand errands": "one-shot command",
    "hearsay heard overheard unheard": "received, notified",
    "house houses": "services",
    "interposed": "fake gateway",
    "manner manners": "webhook faults, behaviour",
    "mood moods moody": "behaviour of a fake gateway",
    "neighbour neighbours neighbourhood neighbor neighbors": "stand-in, external service",
    "news": "webhook, status report, event, notification",
    "obituary obituaries": "exit report",
    "pacing": "send limits",
    "patience patient patiently": "timeout, retry policy, wait preference",
    "pocket pockets": "local lease",
    "postman": "mail handler",
    "rests": "waits, is idle",
    "room rooms": "bounded queue, capacity",
    "standing standings": "state, status snapshot",
    "storm storms storming": "load of concurrent requests",
    "told untold": "notified, queued, configured, reported",
    "trial trials": "test card case, attempt",
    "turnable": "fake clock",
    "verdict verdicts": "audit, check result",
    "whim whims whimsical": "fake gateway",
    "whoever": "the client, the caller, the operator",
}
#: Former phrases and the term to use instead.
PHRASES = {
    r"born\s+told": "created without a notification",
    r"last\s+words": "last output",
    r"to\s+the\s+eye": "in the mail client",
    r"hangs?\s+up": "closes the connection",
    r"as\s+often\s+as\s+one\s+likes": "idempotent",
}
#: Correct uses in names of other projects; removed from the text before the search.
ALLOWED = ("--ui-disable-news-fetch",)
#: Names in the database that only a migration can change.
STORED_NAMES = frozenset({"told_at", "ix_events_untold", "ix_refunds_untold"})
#: Vocabulary itself, recorded data, lock files, and migrations, which are never changed.
EXCLUDED = (
    "tests/contracts/words.py",
    "tests/contracts/test_words.py",
    "sandbox/data/",
    "requirements/",
    "services/migrations/versions/",
)
SUFFIXES = {".py", ".md", ".toml", ".yml", ".yaml", ".sh", ".html", ".js", ".css", ".env", ".txt", ""}
GENERATED = "docs/openapi.json"

_NAME = re.compile(r"[A-Za-z]\w*", re.ASCII)
_PART = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_TERM_OF = {form: term for forms, term in TERMS.items() for form in forms.split()}


@dataclass(frozen=True)
class Occurrence:
    """A former word in a file; `line` is 0 for the path itself."""

    path: str
    line: int
    word: str
    term: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line} {self.word!r}: use {self.term}"


def no_former_words() -> None:
    """No file contains a former word of the project where there is a field term."""
    found = list(occurrences())
    if found:
        lines = "\n        ".join(map(str, found[:20]))
        raise ContractBroken(
            f"{len(found)} former words in {len({one.path for one in found})} files; all of them: "
            f"python -m tests.contracts.words\n        {lines}"
        )


def occurrences() -> Iterator[Occurrence]:
    """All occurrences in file names and contents, in the order of the paths."""
    for file in source_files():
        path = file.relative_to(ROOT).as_posix()
        if _is_checked(path, file):
            yield from (Occurrence(path, 0, word, term) for word, term in words_in(path))
            yield from _in_text(path, file.read_text(encoding="utf-8"))


def words_in(text: str) -> Iterator[tuple[str, str]]:
    """Former words in a text with their terms; snake_case and CamelCase names are split."""
    for name in _NAME.findall(text):
        if name in STORED_NAMES:
            continue
        for part in _PART.findall(name):
            if term := _TERM_OF.get(part.lower()):
                yield (name, term)


def _is_checked(path: str, file: Path) -> bool:
    if path.startswith(EXCLUDED):
        return False
    return path == GENERATED or file.suffix in SUFFIXES


def _in_text(path: str, text: str) -> Iterator[Occurrence]:
    for allowed in ALLOWED:
        text = text.replace(allowed, "")
    for number, line in enumerate(text.splitlines(), start=1):
        yield from (Occurrence(path, number, word, term) for word, term in words_in(line))
    for phrase, term in PHRASES.items():
        for match in re.finditer(phrase, text, re.IGNORECASE):
            yield Occurrence(path, text.count("\n", 0, match.start()) + 1, " ".join(match.group().split()), term)


def main() -> int:
    """Print every occurrence; 1 when there is one."""
    found = list(occurrences())
    for one in found:
        print(one)  # noqa: T201 - the output of this command
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
