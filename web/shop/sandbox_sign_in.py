"""Sign in to a ready account of the sandbox with one click. This route exists in development only.

The form is an ordinary sign-in to the API with the account's password and, for the operator, a code of its second
factor: nothing is bypassed. What makes it safe is where it runs: `WebSettings.one_click` is the one condition.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from pathlib import Path

import pyotp
import structlog
from fastapi import APIRouter
from starlette.exceptions import HTTPException
from starlette.responses import Response

from web.api_client import ApiProblem
from web.dependencies import CurrentVisit
from web.shop.sign_in import open_session
from web.visit import Visit, local_path

router = APIRouter()
#: Seconds from now of the codes that the API accepts. Each is good once, so a person may click three times a minute.
CODES_AT = (-30, 0, 30)
_log = structlog.get_logger("web")


@router.post("/sandbox/sign-in")
async def sandbox_sign_in(visit: CurrentVisit) -> Response:
    """Sign in as the ready buyer or operator."""
    path = visit.tools.settings.one_click
    form = await visit.form()
    if path is None or (who := form.get("who")) not in ("buyer", "operator"):
        raise HTTPException(404)
    accounts = _read(path)
    credentials = {"identifier": accounts[who], "password": accounts[f"{who}Password"]}
    if who == "operator":
        await _open_with_code(visit, credentials, accounts["operatorSecret"])
    else:
        await open_session(visit, credentials)
    if not visit.signed_in:
        return visit.page("sign_in.html", 429, form={}, next=local_path(form.get("next")), problem=None, done="codes")
    home = "/desk" if who == "operator" else "/"
    following = local_path(form.get("next"), home)
    return visit.redirect(following if following.startswith("/desk") == (who == "operator") else home)


async def _open_with_code(visit: Visit, credentials: Mapping[str, str], secret: str) -> None:
    """Sign in with the first code that was not used before; not at all when every one was."""
    now, codes = int(time.time()), pyotp.TOTP(secret)
    for seconds in CODES_AT:
        try:
            return await open_session(visit, {**credentials, "otp": codes.at(now + seconds)})
        except ApiProblem as problem:
            if problem.slug != "invalid-code":
                raise
    return None


def _read(path: Path) -> Mapping[str, str]:
    """The file that `make up` writes. Raises HTTPException 404 while there is none."""
    try:
        accounts: dict[str, str] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        _log.warning("web.sandbox_accounts_missing")
        raise HTTPException(404) from None
    return accounts
