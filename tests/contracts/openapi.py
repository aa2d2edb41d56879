"""Contract of `docs/openapi.json`, the stored OpenAPI document of the API.

`make openapi` (`python -m tests.contracts.openapi`) regenerates it.
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
from tests.contracts.checks import ROOT, ContractBroken

DOCUMENT = ROOT / "docs" / "openapi.json"


def document() -> dict[str, Any]:
    """The OpenAPI document of the API with all services; opens no connection."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(
            app_env="development", database_url="postgresql://nobody@127.0.0.1:1/none", data_dir=Path(folder)
        )
        with open_services(settings) as services:
            return create_app(services).openapi()


def exported() -> str:
    """The document as stored text; the same for the same API."""
    return json.dumps(document(), ensure_ascii=False, indent=2, sort_keys=True) + "\n"


def document_is_current() -> None:
    """docs/openapi.json is the OpenAPI document of the API."""
    if not DOCUMENT.is_file() or DOCUMENT.read_text(encoding="utf-8") != exported():
        raise ContractBroken(
            "docs/openapi.json differs from the OpenAPI document of the API: run `make openapi` and commit the file."
        )


def main() -> int:
    """Write docs/openapi.json."""
    DOCUMENT.write_text(exported(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
