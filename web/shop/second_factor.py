"""The second factor of an operator's account: add an authenticator app, keep the recovery codes, remove the app."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from web import problems
from web.api_client import ApiProblem
from web.dependencies import CurrentVisit
from web.visit import Visit

router = APIRouter()
PATH = "/account/second-factor"
_SHOWN = (403, 409, 422, 429)


@router.get(PATH)
async def second_factor(visit: CurrentVisit) -> Response:
    """What the account has, and the form of what can be done next."""
    return await _page(visit)


@router.post(f"{PATH}/start")
async def start(visit: CurrentVisit) -> Response:
    """Make a secret for the app; it is shown on this page only."""
    form = await visit.form()
    return await _step(visit, "/users/me/otp", {"currentPassword": form.get("current", "")}, "secret")


@router.post(f"{PATH}/confirm")
async def confirm(visit: CurrentVisit) -> Response:
    """Turn the second factor on by a code of the app; the recovery codes are shown on this page only."""
    form = await visit.form()
    return await _step(visit, "/users/me/otp/confirm", {"code": form.get("code", "")}, "codes")


@router.post(f"{PATH}/remove")
async def remove(visit: CurrentVisit) -> Response:
    """Remove the second factor; every session ends."""
    form = await visit.form()
    body = {"currentPassword": form.get("current", ""), "code": form.get("code", "")}
    api = await visit.api(required=True)
    try:
        await api.post("/users/me/otp/remove", body)
    except ApiProblem as problem:
        return await _refused(visit, problem)
    visit.close_session()
    return visit.redirect("/sign-in")


async def _step(visit: Visit, path: str, body: dict[str, str], shown: str) -> Response:
    api = await visit.api(required=True)
    try:
        made = await api.post(path, body)
    except ApiProblem as problem:
        return await _refused(visit, problem)
    return await _page(visit, **{shown: made})


async def _refused(visit: Visit, problem: ApiProblem) -> Response:
    if problem.status not in _SHOWN:
        raise problem
    return await _page(visit, problem=problem)


async def _page(visit: Visit, problem: ApiProblem | None = None, **shown: Any) -> Response:
    api = await visit.api(required=True)
    state = await api.get("/users/me/otp")
    explained = problems.explain(problem, visit.texts) if problem else None
    values = {"secret": None, "codes": None, **shown}
    return visit.page(
        "second_factor.html", problem.status if problem else 200, state=state, problem=explained, **values
    )
