"""Checks of citations: ids and sections that code, tests and docs cite exist in docs, and each row states its tests.

These are citations of an id (`T59`, `F05`, `G3`, `I4`):

- the id as a word in a docstring or comment of a Python file, or in a Markdown, YAML or shell file;
- the id between underscores in the name of a function or class (`test_T59_another_buyers_order`);
- the id at the start of a string (`"T95-no-webhook-secret"`), which is how parameter ids and checks are named.

Rule codes of linters after `noqa:` are not citations.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.contracts.checks import ROOT, ContractBroken
from tests.contracts.tree import source_files

DOCS = ROOT / "docs"
#: The page that lists the ids with this letter.
PAGES = {"T": "abuse-cases.md", "G": "abuse-cases.md", "F": "faults.md", "I": "contract.md"}
#: The page that a citation of a section means by this name, in any case.
DOCUMENTS = {"contract": "contract.md", "abuse": "abuse-cases.md", "faults": "faults.md", "design": "design.md"}
TESTED, UNTESTED = "tested", "no test yet"

_ID = r"(?:T\d{2,3}|F\d{2}|G\d{1,2}|I\d{1,2})"
_IN_TEXT = re.compile(rf"\b{_ID}\b")
_IN_NAME = re.compile(rf"(?:^|(?<=_)){_ID}(?=_|$)")
_AT_START = re.compile(rf"{_ID}(?=$|[-_ ])")
_LINTER = re.compile(r"noqa: ?[A-Z]+\d+(?:, ?[A-Z]+\d+)*")
_SECTION = re.compile(rf"\b({'|'.join(DOCUMENTS)})(?:'s \w+)?,\s+section (\d+)", re.IGNORECASE)
_HEADING = re.compile(r"^## (\d+)\.", re.MULTILINE)
_ROW = re.compile(rf"^\| ({_ID}) \|(?:.*\|)? ([^|\n]*) \|$", re.MULTILINE)
_PROSE = {".md", ".yml", ".yaml", ".sh"}


@dataclass(frozen=True)
class Text:
    """A piece of a file: `kind` is `prose`, `name`, `docstring` or `string`; `function` is the one that it names."""

    path: Path
    line: int
    kind: str
    text: str
    function: str = ""

    @property
    def ids(self) -> list[str]:
        """The ids that it cites."""
        if self.kind == "string":
            return [found.group()] if (found := _AT_START.match(self.text)) else []
        return (_IN_NAME if self.kind == "name" else _IN_TEXT).findall(_LINTER.sub("", self.text))

    @property
    def place(self) -> str:
        """Path from the root, and line."""
        return f"{self.path.relative_to(ROOT)}:{self.line}"

    @property
    def is_of_test(self) -> bool:
        """Whether it is the name or docstring of a test, or a string in a test module, such as a parameter id."""
        return self.function.startswith("test_") or (self.kind == "string" and self.path.name.startswith("test_"))


def cited_ids_are_listed() -> None:
    """Every id that code, tests and docs cite (T59, F05, G3, I4) is a row of its page in docs."""
    for text in _texts():
        for id_ in text.ids:
            if id_ not in _rows(PAGES[id_[0]]):
                raise ContractBroken(
                    f"{text.place} cites {id_}, and docs/{PAGES[id_[0]]} has no such row: correct one of them."
                )


def cited_sections_exist() -> None:
    """Every section that is cited ("contract, section 3") is a heading of its page in docs."""
    for text in _texts():
        for name, number in _SECTION.findall(text.text):
            page = DOCUMENTS[name.lower()]
            if number not in _HEADING.findall(_page(page)):
                raise ContractBroken(
                    f"{text.place} cites section {number} of docs/{page}, which does not exist: correct it."
                )


def ids_are_listed_once() -> None:
    """No id has two rows in docs."""
    for page in sorted({*PAGES.values()}):
        for id_, times in Counter(id_ for id_, _ in _ROW.findall(_page(page))).items():
            if times > 1:
                raise ContractBroken(f"docs/{page} lists {id_} {times} times: give each row an id of its own.")


def rows_state_their_tests() -> None:
    """Each row of docs/abuse-cases.md and docs/faults.md ends with `tested` exactly if a test cites its id."""
    cited = {id_: text.place for text in _texts() if text.is_of_test for id_ in text.ids}
    for page in ("abuse-cases.md", "faults.md"):
        for id_, status in _rows(page).items():
            if status not in (TESTED, UNTESTED):
                raise ContractBroken(f"The row {id_} of docs/{page} must end with `{TESTED}` or `{UNTESTED}`.")
            if status == TESTED and id_ not in cited:
                raise ContractBroken(
                    f"docs/{page} calls {id_} `{TESTED}` and no test cites it: write `{UNTESTED}`, or a test."
                )
            if status == UNTESTED and id_ in cited:
                raise ContractBroken(f"{cited[id_]} tests {id_}: change its row in docs/{page} to `{TESTED}`.")


@cache
def _page(name: str) -> str:
    path = DOCS / name
    return path.read_text(encoding="utf-8") if path.is_file() else ""


@cache
def _rows(page: str) -> dict[str, str]:
    return dict(_ROW.findall(_page(page)))


@cache
def _texts() -> tuple[Text, ...]:
    return tuple(text for path in _files() for text in _read(path))


def _files() -> Iterator[Path]:
    return (path for path in source_files() if path.suffix in {".py", *_PROSE})


def _read(path: Path) -> Iterator[Text]:
    source = path.read_text(encoding="utf-8")
    if path.suffix != ".py":
        yield from (Text(path, number, "prose", line) for number, line in enumerate(source.splitlines(), 1))
        return
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield Text(path, token.start[0], "prose", token.string)
    yield from _of_code(path, ast.parse(source))


def _of_code(path: Path, tree: ast.Module) -> Iterator[Text]:
    docstrings: set[ast.expr] = set()
    for node in ast.walk(tree):  # breadth first: an owner comes before its docstring
        match node:
            case ast.ClassDef() | ast.FunctionDef() | ast.AsyncFunctionDef():
                function = "" if isinstance(node, ast.ClassDef) else node.name
                yield Text(path, node.lineno, "name", node.name, function)
            case ast.Module():
                function = ""
            case ast.Constant(value=str(text)) if node not in docstrings:
                yield Text(path, node.lineno, "string", text)
                continue
            case _:
                continue
        if (docstring := ast.get_docstring(node)) and isinstance(first := node.body[0], ast.Expr):
            docstrings.add(first.value)
            yield Text(path, first.lineno, "docstring", docstring, function)
