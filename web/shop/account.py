"""The account: profile, addresses and numbers with their proof, password, and sessions."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from web import problems
from web.api_client import ApiClient, ApiProblem
from web.dependencies import CurrentVisit
from web.visit import Visit

router = APIRouter()
KINDS = ("email", "phone")
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


def _kind(form: Mapping[str, str]) -> str:
    return "phone" if form.get("kind") == "phone" else "email"


async def _act(visit: Visit, done: str, action: _Action) -> Response:
    form = await visit.form()
    try:
        await action(await visit.api(required=True), form)
    except ApiProblem as problem:
        if problem.status not in (403, 404, 409, 422, 429):
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
    explained = problems.explain(problem, visit.texts) if problem else None
    return visit.page("account.html", problem.status if problem else 200, **values, problem=explained, kinds=KINDS)
