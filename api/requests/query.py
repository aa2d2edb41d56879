"""The query of a list: a parameter that the operation does not know is refused (contract, section 1)."""

from __future__ import annotations

import re
from collections.abc import Set

from fastapi.dependencies.models import Dependant
from starlette.requests import Request

from services.errors import Invalid

#: Names that a response repeats; any other is the client's own text.
_NAME = re.compile(r"[A-Za-z][A-Za-z_-]{0,63}")


def names_of(dependant: Dependant) -> frozenset[str]:
    """The parameters that an operation and its dependencies read from the query."""
    own = frozenset(each.alias for each in dependant.query_params)
    return own.union(*map(names_of, dependant.dependencies))


def refuse_unknown(request: Request, known: Set[str]) -> None:
    """Raises Invalid for a parameter that is not `known`: without it, a mistyped filter would list everything."""
    for name in request.query_params:
        if name not in known:
            pointer = f"/query/{name}" if _NAME.fullmatch(name) else "/query"
            raise Invalid("This operation has no such query parameter.", pointer=pointer)
