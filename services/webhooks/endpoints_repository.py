"""SQL of webhook endpoints; each function but `disable` is one statement."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from services.clock import NOW
from services.db import Executor, Transaction
from services.webhooks.status import DisabledReason, WebhookEventType
from services.webhooks.views import EndpointView

#: Most deliveries of an endpoint that are counted.
COUNTED = 10_000


def lock(tx: Executor) -> None:
    """Let nobody else add an endpoint until this transaction ends."""
    tx.execute("LOCK TABLE webhooks.endpoints IN SHARE ROW EXCLUSIVE MODE")


def count(tx: Executor) -> int:
    """How many endpoints there are."""
    return int(tx.fetch_value("SELECT count(*) FROM webhooks.endpoints"))


def insert(tx: Executor, endpoint_id: UUID, url: str, description: str, types: Sequence[str], secret: bytes) -> None:
    """Add an endpoint; `secret` is sealed."""
    values = {"id": endpoint_id, "url": url, "description": description, "types": list(types), "secret": secret}
    tx.execute(_INSERT, values)


def find(tx: Executor, endpoint_id: UUID) -> EndpointView | None:
    """One endpoint."""
    row = tx.fetch_one(_FIND, {"id": endpoint_id, "counted": COUNTED})
    return _view(row) if row else None


def after(tx: Executor, endpoint_id: UUID | None, limit: int) -> list[EndpointView]:
    """Endpoints in the order in which they were added, after an id."""
    return [_view(row) for row in tx.fetch_all(_AFTER, {"after": endpoint_id, "limit": limit, "counted": COUNTED})]


def change(tx: Executor, endpoint_id: UUID, given: Mapping[str, object]) -> bool:
    """Change what is given: `url`, `description`, `types`; False when there is no such endpoint."""
    values = {"id": endpoint_id, "url": None, "description": None, "types": None, **given}
    return bool(tx.execute(_CHANGE, values))


def rotate(tx: Executor, endpoint_id: UUID, secret: bytes, overlap: float) -> bool:
    """Replace the secret; the one before signs too for `overlap` seconds. False when there is no such endpoint."""
    return bool(tx.execute(_ROTATE, {"id": endpoint_id, "secret": secret, "overlap": overlap}))


def disable(tx: Transaction, endpoint_id: UUID, reason: DisabledReason) -> bool:
    """Disable an endpoint, with what waits for it; False when it is disabled already, or there is none.

    Two statements: the second one sees the messages that were queued while the first one waited for the endpoint.
    """
    disabled = tx.execute(_DISABLE, {"id": endpoint_id, "reason": reason}) > 0
    if disabled:
        tx.execute(_SKIP_WAITING, {"id": endpoint_id})
    return disabled


def enable(tx: Executor, endpoint_id: UUID) -> bool:
    """Enable an endpoint and forget its failures; False when there is none."""
    return bool(tx.execute(_ENABLE, {"id": endpoint_id}))


def resume(tx: Executor, endpoint_id: UUID) -> None:
    """End the pause of an endpoint."""
    tx.execute("UPDATE webhooks.endpoints SET paused_until = NULL WHERE id = %(id)s", {"id": endpoint_id})


def succeeded(tx: Executor, endpoint_id: UUID) -> None:
    """It has taken a message: forget its failures."""
    tx.execute(_SUCCEEDED, {"id": endpoint_id})


def failed(tx: Executor, endpoint_id: UUID, pause: float) -> None:
    """It has not taken a message; `pause` in seconds, 0 for none."""
    tx.execute(_FAILED, {"id": endpoint_id, "pause": pause})


def delete(tx: Executor, endpoint_id: UUID) -> bool:
    """Delete an endpoint with what is left of its deliveries; False when there is none."""
    return bool(tx.execute("DELETE FROM webhooks.endpoints WHERE id = %(id)s", {"id": endpoint_id}))


def _view(row: Any) -> EndpointView:
    return EndpointView(
        id=row.id,
        url=row.url,
        description=row.description,
        event_types=tuple(map(WebhookEventType, row.event_types)),
        created_at=row.created_at,
        disabled_reason=DisabledReason(row.disabled_reason) if row.disabled_reason else None,
        disabled_at=row.disabled_at,
        failing_since=row.failing_since,
        previous_secret_until=row.previous_secret_until,
        waiting=row.waiting,
        failed=row.failed,
    )


def _counted(statuses: str) -> str:
    return f"""(SELECT count(*) FROM (SELECT FROM webhooks.deliveries d
                 WHERE d.endpoint_id = p.id AND d.status {statuses} LIMIT %(counted)s) AS counted)"""  # noqa: S608 - constants


_VIEW = f"""
    SELECT id, url, description, event_types, created_at, disabled_reason, disabled_at, failing_since,
           CASE WHEN previous_secret_until > {NOW} THEN previous_secret_until END AS previous_secret_until,
           {_counted("= 'waiting'")} AS waiting, {_counted("IN ('failed', 'skipped')")} AS failed
      FROM webhooks.endpoints p
    """  # noqa: S608 - only constants of this project
_FIND = f"{_VIEW} WHERE id = %(id)s"
_AFTER = f"{_VIEW} WHERE cast(%(after)s AS uuid) IS NULL OR id > %(after)s ORDER BY id LIMIT %(limit)s"
_INSERT = f"""
    INSERT INTO webhooks.endpoints (id, url, description, event_types, secret, created_at)
    VALUES (%(id)s, %(url)s, %(description)s, %(types)s, %(secret)s, {NOW})
    """  # noqa: S608 - only constants of this project
_CHANGE = """
    UPDATE webhooks.endpoints
       SET url = coalesce(%(url)s, url), description = coalesce(%(description)s, description),
           event_types = coalesce(cast(%(types)s AS text[]), event_types)
     WHERE id = %(id)s
    """
_ROTATE = f"""
    UPDATE webhooks.endpoints
       SET previous_secret = secret, previous_secret_until = {NOW} + make_interval(secs => %(overlap)s),
           secret = %(secret)s
     WHERE id = %(id)s
    """  # noqa: S608 - only constants of this project
_DISABLE = f"""
    UPDATE webhooks.endpoints SET disabled_reason = %(reason)s, disabled_at = {NOW}
     WHERE id = %(id)s AND disabled_reason IS NULL
    """  # noqa: S608 - only constants of this project
_SKIP_WAITING = f"""
    UPDATE webhooks.deliveries SET status = 'skipped', finished_at = {NOW}
     WHERE endpoint_id = %(id)s AND status = 'waiting'
    """  # noqa: S608 - only constants of this project
_ENABLE = """
    UPDATE webhooks.endpoints
       SET disabled_reason = NULL, disabled_at = NULL, failing_since = NULL, failures = 0, paused_until = NULL
     WHERE id = %(id)s
    """
_SUCCEEDED = """
    UPDATE webhooks.endpoints SET failing_since = NULL, failures = 0, paused_until = NULL
     WHERE id = %(id)s AND (failing_since IS NOT NULL OR failures > 0 OR paused_until IS NOT NULL)
    """
_FAILED = f"""
    UPDATE webhooks.endpoints
       SET failing_since = coalesce(failing_since, {NOW}),
           failures = failures + CASE WHEN %(pause)s > 0 THEN 1 ELSE 0 END,
           paused_until = CASE WHEN %(pause)s > 0
                               THEN greatest(paused_until, {NOW} + make_interval(secs => %(pause)s))
                               ELSE paused_until END
     WHERE id = %(id)s
    """  # noqa: S608 - only constants of this project
