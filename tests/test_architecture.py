"""Rules of the architecture that neither a linter nor a type checker checks."""

from __future__ import annotations

import ast
import os
import re
from collections import Counter
from pathlib import Path

from services.errors import Conflict, MarketError, Refused

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("activities", "api", "benchmarks", "sandbox", "services", "web", "workers", "workflows")

#: The contract's list, section 5.
PROBLEM_TYPES = """
    unauthenticated invalid-credentials invalid-token invalid-signature forbidden already-registered
    identifier-not-verified not-found method-not-allowed validation-error immutable-field malformed-json
    unsupported-media-type payload-too-large rate-limited too-many-open-orders password-too-weak invalid-code
    idempotency-key-reused idempotency-in-progress invalid-transition out-of-stock product-unavailable
    reservation-exists reservation-closed reservation-expired payment-exists price-changed hold-limit
    amount-mismatch currency-mismatch card-number-not-accepted refund-exceeds-captured payment-order-mismatch
    service-unavailable internal-error
"""


def sources(*packages: str) -> dict[str, ast.Module]:
    """Every Python file of these packages, parsed, by its path from the root."""
    files = [path for package in packages for path in sorted((ROOT / package).rglob("*.py"))]
    return {path.relative_to(ROOT).as_posix(): ast.parse(path.read_text()) for path in files}


def _activities() -> dict[str, list[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef, ast.expr]]]:
    found: dict[str, list[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef, ast.expr]]] = {}
    for path, tree in sources("activities").items():
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                for mark in node.decorator_list:
                    if "activity.defn" in ast.unparse(mark):
                        found.setdefault(node.name, []).append((path, node, mark))
    return found


def test_no_synchronous_activity_is_interrupted_in_its_thread() -> None:
    """By default the SDK raises inside the thread of an activity given up, also between an answer and its write."""
    synchronous = [
        (path, node.name, ast.unparse(mark))
        for places in _activities().values()
        for path, node, mark in places
        if isinstance(node, ast.FunctionDef)
    ]
    assert len(synchronous) >= 12
    assert [place for place in synchronous if "no_thread_cancel_exception=True" not in place[2]] == []


def test_activity_names_are_unique_and_every_activity_and_workflow_is_served() -> None:
    served = {
        node.attr if isinstance(node, ast.Attribute) else node.id
        for node in ast.walk(sources("workers")["workers/registry.py"])
        if isinstance(node, ast.Attribute | ast.Name)
    }
    activities = _activities()
    assert {name: places for name, places in activities.items() if len(places) > 1} == {}
    assert set(activities) - served == set()
    assert {name for name in _workflow_names() if name not in served} == set()


def _workflow_names() -> list[str]:
    return [
        node.name
        for path, tree in sources("workflows").items()
        if path != "workflows/auto_upgrade.py"  # versioned workers serve these in place of the others
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef) and any("workflow.defn" in ast.unparse(mark) for mark in node.decorator_list)
    ]


def test_no_workflow_swallows_what_it_does_not_know() -> None:
    """`except ActivityError` replays otherwise than it ran: a local activity's failure has two shapes."""
    for path, tree in sources("workflows").items():
        for handler in (node for node in ast.walk(tree) if isinstance(node, ast.ExceptHandler)):
            caught = ast.unparse(handler.type) if handler.type else "BaseException"
            assert "ActivityError" not in caught, f"{path}:{handler.lineno}"
            if caught in ("Exception", "BaseException"):
                raised = [node for node in ast.walk(handler) if isinstance(node, ast.Raise) and node.exc is None]
                assert raised, f"{path}:{handler.lineno} keeps what it did not expect"


def test_workflows_ask_temporal_for_the_time_and_for_ids() -> None:
    forbidden = ("datetime.now", "datetime.today", "datetime.utcnow", "uuid.uuid", "uuid4", "open")
    for path, tree in sources("workflows").items():
        # For commands, activities and the API: no workflow imports them.
        if path in ("workflows/builds.py", "workflows/order_retries.py"):
            continue
        calls = [ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)]
        assert [call for call in calls if call.startswith(forbidden)] == [], path


def test_nobody_but_the_sessions_commits() -> None:
    for path, tree in sources("services", "api", "activities", "workers").items():
        owners = [ast.unparse(node.value) for node in ast.walk(tree) if isinstance(node, ast.Attribute) and _ends(node)]
        may = ("services/db.py", "services/db_connections.py", "services/migrations/env.py")
        assert path in may or set(owners) <= {"savepoint"}, path


def _ends(node: ast.Attribute) -> bool:
    return node.attr in ("commit", "rollback")


def test_settings_are_read_in_a_function_and_never_on_import() -> None:
    for path, tree in sources(*PACKAGES).items():
        at_import = [
            node
            for statement in tree.body
            if isinstance(statement, ast.Assign | ast.AnnAssign | ast.Expr)
            for node in ast.walk(statement)
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("Settings")
        ]
        assert at_import == [], path


def test_files_are_named_for_what_they_hold_and_open_with_a_sentence() -> None:
    for path, tree in sources(*PACKAGES, "tests").items():
        assert not {"utils", "common", "helpers", "core", "misc"} & set(path.removesuffix(".py").split("/")), path
        if tree.body:
            first = (ast.get_docstring(tree) or "").split("\n")[0].strip()
            assert first.endswith((".", ":", "?")), f"{path} opens with no sentence"


def test_files_are_short() -> None:
    lengths = {
        path.relative_to(ROOT).as_posix(): len(path.read_text().splitlines())
        for package in (*PACKAGES, "tests")
        for path in (ROOT / package).rglob("*.py")
        if path.parent != ROOT / "services/migrations/versions"
    }
    # A test file is a list of cases: it may be a little longer.
    allowed = {path: 400 if path.startswith("tests/") else 300 for path in lengths}
    assert {path: lines for path, lines in lengths.items() if lines > allowed[path]} == {}


def test_every_silenced_check_has_its_reason() -> None:
    """`# type: ignore[code]  # reason` and `# noqa: CODE - reason`."""
    silenced = re.compile(r"# (type: ignore(?:\[[^\]]*\])?|noqa: [A-Z]+[0-9]+(?:, [A-Z]+[0-9]+)*)(.*)")
    for path in sources(*PACKAGES, "tests"):
        if path == "tests/test_architecture.py":
            continue
        for number, line in enumerate((ROOT / path).read_text().splitlines(), 1):
            if found := silenced.search(line):
                assert re.match(r" +[#-] \S", found.group(2)), f"{path}:{number} silences a check without a reason"


def test_models_keep_annotations_that_sqlmodel_can_read() -> None:
    lazy = [path for path in ROOT.glob("services/*/models.py") if "import annotations" in path.read_text()]
    assert lazy == []


def test_every_folder_with_python_is_a_package() -> None:
    folders = {path.parent for package in (*PACKAGES, "tests") for path in (ROOT / package).rglob("*.py")}
    bare = [folder for folder in folders if not (folder / "__init__.py").exists()]
    assert [os.fspath(folder.relative_to(ROOT)) for folder in bare if folder.name != "versions"] == []


def test_every_error_has_a_code_of_the_contract() -> None:
    raised = _descendants(MarketError) - {MarketError, Refused, Conflict}
    assert {(error.answered_as or error.code) for error in raised} <= set(PROBLEM_TYPES.split())
    assert len(raised) >= 25


def test_every_error_has_a_code_of_its_own() -> None:
    """Failures of activities carry the code alone: two errors with one code could not be distinguished."""
    raised = _descendants(MarketError)
    assert sorted(Counter(error.code for error in raised).values())[-1] == 1


def _descendants(of: type[MarketError]) -> set[type[MarketError]]:
    return {of}.union(*map(_descendants, of.__subclasses__()))
