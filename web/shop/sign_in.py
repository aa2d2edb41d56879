"""Register, sign in and out, and set a new password."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from web import problems
from web.api_client import ApiClient, ApiProblem
from web.dependencies import CurrentVisit
from web.visit import Visit, local_path

router = APIRouter()
#: Refusals that are shown beside the form.
_SHOWN = (401, 409, 422, 429)


@router.get("/sign-in")
async def sign_in_form(visit: CurrentVisit, next: str = "/", done: str = "") -> Response:  # noqa: A002 - the query parameter
    """The form; `done` says what happened before, for example a new password."""
    return visit.page("sign_in.html", form={}, next=local_path(next), problem=None, done=done)


@router.post("/sign-in")
async def sign_in(visit: CurrentVisit) -> Response:
    """Sign in by e-mail address or phone number."""
    form = await visit.form()
    following = local_path(form.get("next"))
    try:
        await open_session(visit, form)
    except ApiProblem as problem:
        return _again(visit, "sign_in.html", form, problem, next=following, done="")
    return visit.redirect(following)


@router.post("/sign-out")
async def sign_out(visit: CurrentVisit) -> Response:
    """End the session here and at the API."""
    if visit.session:
        # Without a renewal: the session may have ended elsewhere, and its refresh token ends it in any case.
        await visit.anonymous_api().post("/auth/logout", {"refreshToken": visit.session.refresh_token})
    visit.close_session()
    answer = visit.redirect("/")
    answer.headers["Clear-Site-Data"] = '"cache", "storage"'
    return answer


@router.get("/register")
async def register_form(visit: CurrentVisit, next: str = "/") -> Response:  # noqa: A002 - the query parameter
    """The form of a new account."""
    return visit.page("register.html", form={}, next=local_path(next), problem=None)


@router.post("/register")
async def register(visit: CurrentVisit) -> Response:
    """Make an account, send the code that proves its address or number, and sign in."""
    form = await visit.form()
    kind, value = identifier(form.get("identifier", ""))
    person = {"firstName": form.get("firstName", ""), "lastName": form.get("lastName", "")}
    following = local_path(form.get("next"))
    try:
        api = await visit.api()
        await api.post(f"/auth/register/{kind}", {**person, kind: value, "password": form.get("password", "")})
        await open_session(visit, form)
    except ApiProblem as problem:
        return _again(visit, "register.html", form, problem, next=following)
    await _send_code(await visit.api(), kind, value)
    return visit.redirect(following)


@router.get("/reset")
async def reset_form(visit: CurrentVisit, sent: str = "", token: str = "") -> Response:
    """Ask for a message with a token, or set a new password with it."""
    return visit.page("reset.html", form={"token": token}, sent=bool(sent or token), problem=None)


@router.post("/reset")
async def request_reset(visit: CurrentVisit) -> Response:
    """Ask for the message; the answer is the same whether there is such an account or not."""
    form = await visit.form()
    kind, value = identifier(form.get("identifier", ""))
    try:
        await (await visit.api()).post("/auth/password/reset/request", {kind: value})
    except ApiProblem as problem:
        return _again(visit, "reset.html", form, problem, sent=False)
    return visit.redirect("/reset", sent="1")


@router.post("/reset/confirm")
async def confirm_reset(visit: CurrentVisit) -> Response:
    """Set a new password; every session ends."""
    form = await visit.form()
    body = {"resetToken": form.get("token", "").strip(), "newPassword": form.get("password", "")}
    try:
        await (await visit.api()).post("/auth/password/reset/confirm", body)
    except ApiProblem as problem:
        return _again(visit, "reset.html", form, problem, sent=True)
    visit.close_session()
    return visit.redirect("/sign-in", done="reset")


def identifier(text: str) -> tuple[str, str]:
    """`email` or `phone`, and the value: what has an @, or no digit, is meant as an address."""
    value = text.strip()
    is_phone = "@" not in value and any(sign.isdigit() for sign in value)
    return ("phone" if is_phone else "email"), value


async def open_session(visit: Visit, form: Mapping[str, str]) -> None:
    """Sign in with `identifier`, `password` and, of an operator's account, `otp`. Raises ApiProblem, ApiUnavailable."""
    kind, value = identifier(form.get("identifier", ""))
    client = await visit.api()
    # Some browsers and apps name themselves in their own script, which a header of a request cannot hold.
    agent = visit.request.headers.get("user-agent", "").encode("ascii", "ignore").decode()
    client.headers["User-Agent"] = agent[:300].strip()
    body = {kind: value, "password": form.get("password", "")}
    if otp := form.get("otp", "").strip():
        body["otp"] = otp
    visit.open_session(await client.post(f"/auth/login/{kind}", body))


async def _send_code(api: ApiClient, kind: str, value: str) -> None:
    try:
        await api.post(f"/auth/verify/{kind}/send", {kind: value})
    except ApiProblem:
        return  # the account page offers to send it again


def _again(visit: Visit, template: str, form: Mapping[str, str], problem: ApiProblem, **values: Any) -> Response:
    """The form again with what was wrong; a password is not repeated."""
    if problem.status not in _SHOWN:
        raise problem
    kept = {name: value for name, value in form.items() if name not in ("password", "otp")}
    explained = problems.explain(problem, visit.texts)
    return visit.page(template, problem.status, form=kept, problem=explained, **values)
