"""The account: profile, addresses and numbers with their proof, password, sessions, a copy of the data, deletion."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from typing import Any

from fastapi import APIRouter
from starlette.responses import Response, StreamingResponse

from web import problems
from web.api_client import ApiClient, ApiProblem
from web.dependencies import CurrentVisit
from web.visit import Visit

router = APIRouter()
KINDS = ("email", "phone")
#: Refusals that are shown on the page.
_SHOWN = (403, 404, 409, 422, 429)
_Action = Callable[[ApiClient, Mapping[str, str]], Awaitable[object]]


@router.get("/account")
async def account(visit: CurrentVisit, done: str = "") -> Response:
    """Everything about the visitor's account; `done` names what was changed last."""
    return await _page(visit, done=done)


@router.post("/account/profile")
async def change_profile(visit: CurrentVisit) -> Response:
    """Change the name."""

    async def change(api: ApiClient, form: Mapping[str, str]) -> object:
        names = {name: form.get(name, "") for name in ("firstName", "lastName")}
        return await api.send("PATCH", "/users/me", json=names)

    return await _act(visit, "profile", change)


@router.post("/account/password")
async def change_password(visit: CurrentVisit) -> Response:
    """Change the password; every other session ends."""

    async def change(api: ApiClient, form: Mapping[str, str]) -> object:
        body = {"currentPassword": form.get("current", ""), "newPassword": form.get("password", "")}
        return await api.post("/auth/password/change", body)

    return await _act(visit, "password", change)


@router.post("/account/identifier")
async def change_identifier(visit: CurrentVisit) -> Response:
    """Add or replace the address or number; it takes effect with its code."""

    async def change(api: ApiClient, form: Mapping[str, str]) -> object:
        kind = _kind(form)
        body = {kind: form.get("value", "").strip() or None, "currentPassword": form.get("current", "")}
        return await api.send("PUT", f"/users/me/{kind}", json=body)

    return await _act(visit, "identifier", change)


@router.post("/account/code/send")
async def send_code(visit: CurrentVisit) -> Response:
    """Send the code that proves the address or number."""

    async def send(api: ApiClient, form: Mapping[str, str]) -> object:
        kind = _kind(form)
        return await api.post(f"/auth/verify/{kind}/send", {kind: form.get("value", "")})

    return await _act(visit, "code", send)


@router.post("/account/code/confirm")
async def confirm_code(visit: CurrentVisit) -> Response:
    """Prove the address or number by its code."""

    async def confirm(api: ApiClient, form: Mapping[str, str]) -> object:
        kind = _kind(form)
        body = {kind: form.get("value", ""), "code": form.get("code", "").strip()}
        return await api.post(f"/auth/verify/{kind}/confirm", body)

    return await _act(visit, "verified", confirm)


@router.post("/account/sessions/{session_id}/end")
async def end_session(visit: CurrentVisit, session_id: uuid.UUID) -> Response:
    """End one session."""

    async def end(api: ApiClient, _: Mapping[str, str]) -> object:
        return await api.send("DELETE", f"/users/me/sessions/{session_id}")

    return await _act(visit, "session", end)


@router.get("/account/export")
async def export(visit: CurrentVisit) -> Response:
    """A copy of all data about the visitor as a file, passed on as it arrives: it may be large.

    When the API fails half-way, the connection is closed without the end of the body: the browser knows that the file
    is not complete.
    """
    stack = AsyncExitStack()
    answer = await stack.enter_async_context((await visit.api(required=True)).download("/users/me/export"))

    async def body() -> AsyncIterator[bytes]:
        async with stack:
            async for chunk in answer.aiter_bytes():
                yield chunk

    headers = {"Content-Disposition": 'attachment; filename="my-data.json"'}
    return visit.with_cookies(StreamingResponse(body(), media_type="application/json", headers=headers))


@router.post("/account/delete")
async def delete(visit: CurrentVisit) -> Response:
    """Delete the account, proven by the password and, with a second factor, a code; signs the visitor out."""
    form = await visit.form()
    body = {"currentPassword": form.get("current", "")}
    if otp := form.get("otp", "").strip():
        body["otp"] = otp
    try:
        await (await visit.api(required=True)).send("DELETE", "/users/me", json=body)
    except ApiProblem as problem:
        if problem.status not in _SHOWN:
            raise
        return await _page(visit, problem=problem, failed="delete")
    visit.close_session()
    answer = visit.redirect("/sign-in", done="deleted")
    answer.headers["Clear-Site-Data"] = '"cache", "storage"'
    return answer


def _kind(form: Mapping[str, str]) -> str:
    return "phone" if form.get("kind") == "phone" else "email"


async def _act(visit: Visit, done: str, action: _Action) -> Response:
    form = await visit.form()
    try:
        await action(await visit.api(required=True), form)
    except ApiProblem as problem:
        if problem.status not in _SHOWN:
            raise
        return await _page(visit, problem=problem, failed=done)
    return visit.redirect("/account", done=done)


async def _page(visit: Visit, *, done: str = "", problem: ApiProblem | None = None, failed: str = "") -> Response:
    api = await visit.api(required=True)
    profile, sessions, factor = await asyncio.gather(
        api.get("/users/me"), api.get("/users/me/sessions", limit=50), api.get("/users/me/otp")
    )
    values: dict[str, Any] = {"profile": profile, "sessions": sessions["items"], "done": done, "failed": failed}
    values["has_factor"] = factor["required"] or factor["enabled"]
    values["code_needed"] = factor["enabled"]
    explained = _explained(visit, problem, failed)
    return visit.page("account.html", problem.status if problem else 200, **values, problem=explained, kinds=KINDS)


def _explained(visit: Visit, problem: ApiProblem | None, failed: str) -> problems.Explained | None:
    if problem is None:
        return None
    if failed == "delete":
        return problems.explain_as(problem, visit.texts, "account.delete_refused")
    return problems.explain(problem, visit.texts)
