"""What handlers receive."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request

from web.visit import Visit


def visit_of(request: Request) -> Visit:
    """The visit of a request: the same one for its handler and for the page of an error.

    A session that the handler has renewed would be lost with a second visit, and its refresh token is good once.
    """
    visit: Visit | None = getattr(request.state, "visit", None)
    if visit is None:
        visit = request.state.visit = Visit(request, request.app.state.tools)
    return visit


CurrentVisit = Annotated[Visit, Depends(visit_of)]
