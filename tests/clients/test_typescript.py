"""Clients in TypeScript: openapi-typescript with openapi-fetch, and @hey-api/openapi-ts."""

from __future__ import annotations

import json
import re

import pytest

from tests.clients.conftest import RunningApi
from tests.clients.tools import Tools
from tests.contracts.openapi import DOCUMENT

#: Each is checked as the strictest projects would; Node runs what the compiler writes.
TSC = ("tsc", "--strict", "--noUncheckedIndexedAccess", "--noEmitOnError")
NODE = ("--module", "node16", "--moduleResolution", "node16", "--target", "es2022", "--lib", "es2022,dom,dom.iterable")
BROWSER = ("--module", "esnext", "--moduleResolution", "bundler", "--target", "es2022", "--lib", "es2022,dom")
GUIDE = DOCUMENT.parent / "buyers.md"
_TYPED = "declare const token: string, productId: string, card: string;\n"
_STREAM = (
    "declare const API: string, token: string;\n"
    "declare function show(status: string): void;\ndeclare function finished(): boolean;\n"
)
PLACED = {
    "status": "confirmed",
    "method": "card",
    "lastEvent": "confirmed",
    "problem": "/problems/product-unavailable",
}


@pytest.fixture(scope="module")
def openapi_fetch(npm: Tools) -> str:
    """The program on the types of openapi-typescript, compiled."""
    npm.run("openapi-typescript", str(DOCUMENT), "--output", "schema.ts")
    return _compiled(npm, "openapi_fetch")


@pytest.fixture(scope="module")
def hey_api(npm: Tools) -> str:
    """The program on the client of @hey-api/openapi-ts, compiled."""
    npm.run("openapi-ts", "--input", str(DOCUMENT), "--output", "hey_api_client", "--plugins", "@hey-api/client-fetch")
    return _compiled(npm, "hey_api")


def test_openapi_fetch_places_an_order(npm: Tools, openapi_fetch: str, running_api: RunningApi) -> None:
    assert running_api.placed_by(npm, "node", openapi_fetch) == PLACED


def test_hey_api_places_an_order(npm: Tools, hey_api: str, running_api: RunningApi) -> None:
    assert running_api.placed_by(npm, "node", hey_api) == PLACED


@pytest.mark.parametrize(("language", "given"), [("ts", _TYPED), ("js", _STREAM)], ids=["typed-client", "event-stream"])
def test_an_example_of_the_guide_is_right(npm: Tools, language: str, given: str) -> None:
    """The examples are type-checked as they stand; `given` declares what they leave to the reader."""
    npm.run("openapi-typescript", str(DOCUMENT), "--output", "market.d.ts")
    (example,) = re.findall(rf"^```{language}\n(.*?)^```$", GUIDE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    (npm.folder / "given.d.ts").write_text(given)
    (npm.folder / f"example.{language}").write_text(example)
    check = ["--noEmit", "--allowJs", "--checkJs", *(["--noImplicitAny", "false"] if language == "js" else [])]
    npm.run("tsc", "--strict", *BROWSER, *check, "given.d.ts", f"example.{language}")


def _compiled(npm: Tools, program: str) -> str:
    npm.add(f"{program}.ts")
    npm.run(*TSC, *NODE, "--outDir", "built", f"{program}.ts")
    return f"built/{program}.js"


def test_no_schema_has_the_name_of_a_global(npm: Tools) -> None:
    library = npm.folder / "node_modules" / "typescript" / "lib"
    declared = r"^(?:interface|type|declare (?:var|function|class)) (\w+)"
    known = {
        name
        for file in library.glob("lib.*.d.ts")
        for name in re.findall(declared, file.read_text(encoding="utf-8"), re.MULTILINE)
    }
    assert {"Event", "JsonWebKey", "Notification", "Record"} <= known
    assert json.loads(DOCUMENT.read_text(encoding="utf-8"))["components"]["schemas"].keys() & known == set()
