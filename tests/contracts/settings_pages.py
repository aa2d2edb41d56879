"""Contracts of docs/settings.md and .env.example, which are made from the declarations of the settings.

`make settings` (`python -m tests.contracts.settings_pages`) writes both.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields

from pydantic import BaseModel

from sandbox.settings import Ports
from sandbox.settings import setting as port_setting
from services.parts import Part
from services.setting_declarations import Setting, declared_in
from services.setting_groups.general import TracingSettings
from services.settings import GROUPS, all_settings
from tests.contracts.checks import ROOT, ContractBroken
from web.settings import WebSettings

PAGE = ROOT / "docs" / "settings.md"
EXAMPLE = ROOT / ".env.example"
COMPOSE_FILE = ROOT / "docker-compose.yml"
#: Secrets of docker-compose.yml that are not settings of a process.
COMPOSE_SECRETS = {
    "POSTGRES_PASSWORD": "password of PostgreSQL's superuser: letters and digits, for use in URLs",
    "MARKET_OWNER_DB_PASSWORD": "password of `market_owner`, the role of migrations",
    "MARKET_DB_PASSWORD": "password of `market`, the role of every other process",
    "TEMPORAL_DB_PASSWORD": "password of `temporal`, the role of Temporal's server",
}
#: Other variables of docker-compose.yml: the default, and what it is.
COMPOSE_OPTIONS = {
    "API_PORT": ("8000", "port of the API on this machine"),
    "WEB_PORT": ("8080", "port of the pages"),
    "TEMPORAL_PORT": ("7233", "port of Temporal"),
    "TEMPORAL_UI_PORT": ("8233", "port of Temporal's Web UI"),
    "SANDBOX_PORT": ("8100", "port of the stand-ins: inbox, ledger, test cards"),
    "PROMETHEUS_PORT": ("9090", "port of Prometheus, with the profile `monitoring`"),
    "GRAFANA_PORT": ("3000", "port of Grafana, with the profile `monitoring`"),
    "WORKER_BUILD_ID": ("", "build of the workers, which makes them versioned; empty: unversioned"),
    "MARKET_SUBNET": ("172.29.80.0/24", "network of the containers"),
}
_BLOCK = re.compile(r"(<!-- make settings: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def page_is_current() -> None:
    """The tables of docs/settings.md are those of the declared settings."""
    if PAGE.read_text(encoding="utf-8") != page():
        raise ContractBroken("docs/settings.md differs from the declared settings: run `make settings`.")


def example_is_current() -> None:
    """.env.example has the variables of docker-compose.yml and the declared settings."""
    if not EXAMPLE.is_file() or EXAMPLE.read_text(encoding="utf-8") != example():
        raise ContractBroken(".env.example differs from the declared settings: run `make settings`.")


def example_has_what_compose_reads() -> None:
    """.env.example names every variable that docker-compose.yml takes from .env, and no other."""
    read = {*re.findall(r"\$\{([A-Z_]+)", COMPOSE_FILE.read_text())}
    known = {*compose_secrets(), *COMPOSE_OPTIONS}
    if different := sorted(read ^ known):
        names = ", ".join(different)
        raise ContractBroken(f"{names}: read by docker-compose.yml or known to settings_pages.py, but not both.")


def page() -> str:
    """docs/settings.md with new tables."""
    return _BLOCK.sub(_block, PAGE.read_text(encoding="utf-8"))


def _block(found: re.Match[str]) -> str:
    start, name, end = found.groups()
    return f"{start}{BLOCKS[name]()}{end}"


def _application() -> str:
    return "\n".join(f"\n### {_title(group)}\n\n{_table(declared_in(group))}" for group in GROUPS) + "\n"


def _pages() -> str:
    return f"\n{_table(_of_pages(), parts=False)}\n"


def _of_pages() -> Iterator[Setting]:
    """The settings of the pages, without those of traces, which have a table of their own."""
    yield from (each for each in declared_in(WebSettings) if each.field not in TracingSettings.model_fields)


def _ports() -> str:
    rows = [f"| `{port_setting(each.name)}` | {each.default} | {each.metadata['help']} |" for each in fields(Ports)]
    return "\n".join(["", "| setting | default | what |", "|---|---|---|", *rows, ""])


def _secrets() -> str:
    rows = [f"| `{part}` | {', '.join(f'`{name}`' for name in secrets_of(part))} |" for part in Part]
    return "\n".join(["", "| process | secrets |", "|---|---|", *rows, ""])


#: What writes each block of docs/settings.md.
BLOCKS: Mapping[str, Callable[[], str]] = {
    "application": _application,
    "pages": _pages,
    "ports": _ports,
    "secrets": _secrets,
}


def secrets_of(part: Part) -> list[str]:
    """The secret settings that a part reads."""
    known = [*all_settings(), *declared_in(WebSettings)]
    return [each.name for each in known if each.declared.secret and part in each.declared.parts]


def _table(settings: Iterator[Setting], *, parts: bool = True) -> str:
    head = ["| setting | what | kind | default | for |" if parts else "| setting | what | kind | default |"]
    return "\n".join([*head, "|---" * (5 if parts else 4) + "|", *(_row(each, parts) for each in settings)])


def _row(each: Setting, parts: bool) -> str:
    secret = ", secret" if each.declared.secret else ""
    default = "**required**" if each.required else _shown(each)
    cells = [f"`{each.name}`", each.declared.help, f"{each.kind}{secret}", default]
    if parts:
        cells.append(", ".join(part for part in Part if part in each.declared.parts))
    return f"| {' | '.join(cells)} |"


def _shown(each: Setting) -> str:
    shown = each.shown_default
    return shown if each.declared.shown or shown == "none" else f"`{shown}`"


def example() -> str:
    """The text of .env.example."""
    return "\n".join([*_compose_part(), *_settings_part()]) + "\n"


def compose_secrets() -> dict[str, str]:
    """The secrets of docker-compose.yml, with a sentence for each; those that are settings have that of their table."""
    secrets = {each.name: each.declared.help for each in _all() if each.required and each.declared.secret}
    return COMPOSE_SECRETS | {name: text for name, text in secrets.items() if not name.endswith("_URL")}


def _compose_part() -> Iterator[str]:
    yield "# Made by `make settings` from the declarations of the settings: change those."
    yield "#"
    yield "# 1. Variables of docker-compose.yml. `sh deploy/make-env.sh` copies this part to .env with random values;"
    yield "# docker compose reads .env automatically."
    for name, text in compose_secrets().items():
        yield f"# {_plain(text)}"
        yield f"{name}="
    for name, (default, text) in COMPOSE_OPTIONS.items():
        yield f"# {text}"
        yield f"#{name}={default}"


def _settings_part() -> Iterator[str]:
    yield ""
    yield "# 2. Settings of processes that run without docker-compose.yml, as for systemd (docs/servers.md), each with"
    yield "# its default. docs/settings.md has them as tables. Give each process the settings of its part only. A"
    yield "# secret may also be a file, named by NAME_FILE."
    groups: tuple[type[BaseModel], ...] = (*GROUPS, WebSettings)
    for group in groups:
        yield ""
        yield f"# {_title(group)}"
        for each in _of_pages() if group is WebSettings else declared_in(group):
            marks = ["required", *([_plain(each.declared.required)])] if each.required else []
            parts = ", ".join(part for part in Part if part in each.declared.parts)
            yield f"# {_plain(each.declared.help)} ({each.kind}; {parts})".replace("`", "")
            if marks:
                yield f"# {': '.join(marks)}"
            yield f"#{each.name}={'' if each.declared.shown or each.required else _value(each)}"


def _value(each: Setting) -> str:
    shown = each.shown_default
    return "" if shown == "none" else shown


def _all() -> Iterator[Setting]:
    yield from all_settings()
    yield from declared_in(WebSettings)


def _plain(text: str) -> str:
    return re.sub(r"\[([^\]]+)\]\([^)]+\)", r"\1", text)


def _title(group: type[object]) -> str:
    return (group.__doc__ or "").removesuffix(".")


def main() -> int:
    """Write docs/settings.md and .env.example."""
    PAGE.write_text(page(), encoding="utf-8")
    EXAMPLE.write_text(example(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
