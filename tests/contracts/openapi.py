"""`docs/openapi.json`: the api's own description of itself, kept for those who read it without running anything.

`make openapi` (`python -m tests.contracts.openapi`) writes it anew.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from api.app import create_app
from services.bootstrap import open_services
from services.settings import Settings
from tests.contracts.verdict import ROOT, Broken

DOCUMENT = ROOT / "docs" / "openapi.json"


def document() -> dict[str, Any]:
    """What `/openapi.json` answers when every service is served; connects to nothing."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(
            app_env="development", database_url="postgresql://nobody@127.0.0.1:1/none", data_dir=Path(folder)
        )
        with open_services(settings) as services:
            return create_app(services).openapi()


def exported() -> str:
    """The document as it is kept: the same text for the same api."""
    return json.dumps(document(), ensure_ascii=False, indent=2, sort_keys=True) + "\n"


def document_is_fresh() -> None:
    """docs/openapi.json is what the api says of itself."""
    if not DOCUMENT.is_file() or DOCUMENT.read_text(encoding="utf-8") != exported():
        raise Broken("docs/openapi.json is not what the api says of itself: run `make openapi` and commit the file.")


def main() -> int:
    """Write it."""
    DOCUMENT.write_text(exported(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
