"""`python -m web`: the pages as a process of their own."""

from __future__ import annotations

import argparse
import sys

import structlog
from pydantic import ValidationError

from services.logs import trace_fields
from web.server import make_server
from web.settings import WebSettings


def main() -> int:
    """Serve until SIGTERM; exit 2 when a setting is wrong, or for an argument."""
    argparse.ArgumentParser(
        prog="python -m web",
        description=__doc__,
        epilog="It takes no arguments: the environment has its settings, such as WEB_PORT (docs/settings.md).",
    ).parse_args()
    structlog.configure(processors=[trace_fields, structlog.stdlib.add_log_level, structlog.processors.JSONRenderer()])
    try:
        settings = WebSettings()
    except ValidationError as error:
        for each in error.errors():
            name = "".join(f"{part}: ".upper() for part in each["loc"])  # empty when several settings contradict
            sys.stderr.write(f"web: {name}{each['msg'].removeprefix('Value error, ')}\n")
        return 2
    except ValueError as error:
        for line in str(error).splitlines():
            sys.stderr.write(f"web: {line}\n")
        return 2
    if settings.otel_exporter_otlp_endpoint:
        from services import trace_export  # noqa: PLC0415 - loads OpenTelemetry's SDK, for a traced process only

        trace_export.set_up(settings, "web")
    make_server(settings).run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
