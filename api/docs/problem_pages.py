"""`/problems` lists the problem types; `/problems/<slug>`, their `type`, is the page of one, from docs/problems."""

from __future__ import annotations

from pathlib import Path

from starlette.responses import HTMLResponse

from api.access.operation_router import OperationRouter
from api.html_pages import markdown, page
from api.problems.problem_details import TYPES
from services.errors import NotFound

PAGES = Path(__file__).resolve().parents[2] / "docs" / "problems"

router = OperationRouter(include_in_schema=False)


@router.get("/problems")
def problem_list() -> HTMLResponse:
    """All problem types, in the order of the contract."""
    rows = "\n".join(
        f"| [{slug}](/problems/{slug}) | {known.status} | {known.title} |" for slug, known in TYPES.items()
    )
    return page("Problem types", markdown(f"# Problem types\n\n| type | status | title |\n|---|---|---|\n{rows}\n"))


@router.get("/problems/{slug}")
def problem_page(slug: str) -> HTMLResponse:
    """The explanation of a problem type: what happened, what to do, an example."""
    if slug not in TYPES:
        raise NotFound("There is no such type of problem.")
    text = (PAGES / f"{slug}.md").read_text(encoding="utf-8")
    return page(slug, markdown(f"{text}\n\n[All problem types](/problems)\n"))
