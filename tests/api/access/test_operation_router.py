"""What a request costs before its handler runs: routers that are passed over, and one thread for a read."""

from __future__ import annotations

import asyncio
import threading

import httpx2
import pytest
from fastapi import Depends, FastAPI, Request
from starlette.routing import Match
from starlette.types import Scope

from api.access.guarded_route import GuardedRoute
from api.access.operation_router import OperationRouter
from api.state import set_state, state_of


def served(app: FastAPI, router: OperationRouter) -> httpx2.AsyncClient:
    """A client of an application with this router only."""
    own = FastAPI()
    set_state(own, state_of(app))
    own.include_router(router)
    return httpx2.AsyncClient(transport=httpx2.ASGITransport(own), base_url="http://market")


@pytest.mark.parametrize(("path", "tried"), [("/orders/me", True), ("/products", False), ("/ordersx", False)])
async def test_routes_are_tried_only_for_paths_that_begin_with_their_word(app: FastAPI, path: str, tried: bool) -> None:
    paths: list[str] = []

    class NotedRoute(GuardedRoute):
        def matches(self, scope: Scope) -> tuple[Match, Scope]:
            paths.append(scope["path"])
            return super().matches(scope)

    router = OperationRouter(prefix="/orders", route_class=NotedRoute)
    router.add_api_route("/{orderId}", lambda: None)
    async with served(app, router) as client:
        await client.get(path)

    assert bool(paths) is tried


async def test_a_read_uses_one_thread_from_the_check_of_its_caller_to_its_result(app: FastAPI) -> None:
    threads: list[int] = []

    async def dependency(request: Request) -> None:
        threads.append(threading.get_ident())

    router = OperationRouter(prefix="/products")

    @router.get("", dependencies=[Depends(dependency)])
    def read() -> list[str]:
        threads.append(threading.get_ident())
        return ["lantern"]

    async with served(app, router) as client:
        answer = await client.get("/products")

    assert answer.json() == ["lantern"]
    assert len(set(threads)) == 1
    assert threading.get_ident() not in threads


async def test_a_read_whose_dependency_waits_is_refused(app: FastAPI) -> None:
    async def dependency() -> None:
        await asyncio.sleep(0)

    router = OperationRouter(prefix="/products")

    @router.get("", dependencies=[Depends(dependency)])
    def read() -> None: ...

    async with served(app, router) as client:
        with pytest.raises(RuntimeError, match="make its handler `async`"):
            await client.get("/products")
