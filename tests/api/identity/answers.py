"""What a client can tell from an answer."""

from __future__ import annotations

import httpx2


def problem_of(answer: httpx2.Response) -> tuple[int, str]:
    """Status and slug of a problem."""
    return answer.status_code, answer.json()["type"].removeprefix("/problems/")


def comparable(answer: httpx2.Response) -> tuple[int, str, list[str]]:
    """Everything that a client sees, except what differs with every request."""
    body = {name: value for name, value in answer.json().items() if name not in ("traceId", "instance")}
    return answer.status_code, str(body), sorted(name for name in answer.headers if name != "content-length")
