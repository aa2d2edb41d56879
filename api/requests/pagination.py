"""Lists in pages: `limit`, `cursor`, and `{"items": …, "nextCursor": …}` (contract, section 1)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Generic, TypeVar
from uuid import UUID

from fastapi import Depends, Query, Request
from pydantic import ConfigDict, Field

from api.access.callers import name_of
from api.problems.problem_details import operation_of
from api.requests.cursors import Cursors, Listing
from api.requests.fields import Integer, Shape
from api.state import state_of
from services.identity.views import Caller

MAX_PAGE = 100
T = TypeVar("T")
S = TypeVar("S")


class Page(Shape, Generic[S]):
    """One page of a list."""

    model_config = ConfigDict(json_schema_extra={"description": "One page of a list."})

    items: list[S]
    next_cursor: str | None = Field(description="Send it as `cursor` to get the next page; null on the last page.")

    @classmethod
    def model_parametrized_name(cls, params: tuple[Any, ...]) -> str:
        """`OrderPage` for a page of `OrderSummary`: the name of its schema."""
        return f"{params[0].__name__.removesuffix('Summary')}Page"


@dataclass(frozen=True)
class PageRequest:
    """The requested page: at most 100 items, even when more were asked for."""

    limit: int
    cursor: str | None
    cursors: Cursors
    operation: str
    caller: str

    def listing(self, filters: Mapping[str, object], *, public: bool = False) -> Listing:
        """The list that this operation returns for these filters; cursors of a `public` one fit every caller."""
        return Listing(self.operation, "" if public else self.caller, filters)

    def after(self, listing: Listing) -> UUID | None:
        """The last id of the previous page. Raises Invalid for a cursor of another list."""
        return self.cursors.read(listing, self.cursor) if self.cursor is not None else None

    def page(self, listing: Listing, found: Sequence[T], key: Callable[[T], UUID], shape: Callable[[T], S]) -> Page[S]:
        """A page of `found`, which has one item more than `limit` when there is a next page."""
        shown = found[: self.limit]
        following = self.cursors.write(listing, key(shown[-1])) if len(found) > self.limit else None
        return Page(items=[shape(each) for each in shown], next_cursor=following)


async def _paging(
    request: Request,
    limit: Annotated[
        Integer, Query(ge=1, le=10**9, description="Items on a page; more than 100 are taken as 100.")
    ] = 20,
    cursor: Annotated[str | None, Query(max_length=200, description="`nextCursor` of the page before.")] = None,
) -> PageRequest:
    caller: Caller | None = request.state.caller
    return PageRequest(
        limit=min(limit, MAX_PAGE),
        cursor=cursor,
        cursors=state_of(request.app).cursors,
        operation=operation_of(request),
        caller=name_of(caller) if caller else "",
    )


#: The requested page of a list.
Paging = Annotated[PageRequest, Depends(_paging)]
