"""`webhooks list`, `add`, `disable`, `enable`, `rotate`, `redeliver` and `delete`: endpoints of other systems."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

import typer

from services.commands.terminal import errors_as_messages, moment, open_database, read_settings, say
from services.secrets import Vault
from services.webhooks.status import WebhookEventType
from services.webhooks.views import EndpointSecret, EndpointView
from services.webhooks.wiring import Webhooks, open_webhooks

app = typer.Typer(no_args_is_help=True, help="Where other systems are notified of orders, and what failed.")
EndpointId = Annotated[UUID, typer.Argument(help="The id of the endpoint, as `webhooks list` shows it.")]
Types = Annotated[list[WebhookEventType] | None, typer.Option("--event", help="Only this event; can be repeated.")]
Moment = Annotated[
    datetime,
    typer.Option(
        "--since",
        help="Events since this time, UTC.",
        formats=["%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S", "%Y-%m-%d"],
    ),
]


@app.command("list")
def list_endpoints() -> None:
    """List the endpoints, with what waits and what failed."""
    with errors_as_messages(), _open() as webhooks:
        found = webhooks.endpoints.after()
    for each in found:
        _print(each)
    if not found:
        print("There is no endpoint.")


@app.command()
def add(url: str, event: Types = None, description: Annotated[str, typer.Option()] = "") -> None:
    """Add an endpoint and print its secret, which is shown this once.

    Example: `webhooks add https://erp.example.com/hooks --event order.paid`.
    """
    with errors_as_messages(), _open() as webhooks:
        _print_secret(webhooks.endpoints.add(url, description[:200], event or tuple(WebhookEventType)))


@app.command()
def rotate(
    endpoint: EndpointId,
    overlap_hours: Annotated[int, typer.Option(min=0, max=168, help="Hours for which both secrets sign.")] = 24,
) -> None:
    """Make another secret and print it; the one before signs as well for a time."""
    with errors_as_messages(), _open() as webhooks:
        _print_secret(webhooks.endpoints.rotate(endpoint, overlap_hours))


@app.command()
def disable(endpoint: EndpointId) -> None:
    """Send nothing to an endpoint; its events are kept for 30 days."""
    with errors_as_messages(), _open() as webhooks:
        _print(webhooks.endpoints.change(endpoint, enabled=False))


@app.command()
def enable(endpoint: EndpointId) -> None:
    """Send to an endpoint again. What was skipped meanwhile: `webhooks redeliver ID --since TIME`."""
    with errors_as_messages(), _open() as webhooks:
        _print(webhooks.endpoints.change(endpoint, enabled=True))


@app.command()
def redeliver(endpoint: EndpointId, since: Moment) -> None:
    """Send everything again that failed or was skipped.

    Example: `webhooks redeliver ID --since 2026-03-01`.
    """
    with errors_as_messages(), _open() as webhooks:
        count = webhooks.service.redeliver_failed(endpoint, since.replace(tzinfo=UTC))
    print(f"{count:,} message{'' if count == 1 else 's'} will be sent again.")


@app.command()
def delete(endpoint: EndpointId) -> None:
    """Delete an endpoint with its deliveries."""
    with errors_as_messages(), _open() as webhooks:
        webhooks.endpoints.delete(endpoint)
    print("The endpoint is deleted.")


@contextmanager
def _open() -> Iterator[Webhooks]:
    settings = read_settings()
    if settings.database_url and not settings.secrets_key_given:
        raise ValueError("SECRETS_KEY is missing: the secrets of endpoints are encrypted with it.")
    # As the processes that send decide it: commands read every other setting as in development.
    development = not settings.database_url or os.environ.get("APP_ENV") == "development"
    with (
        open_database() as database,
        open_webhooks(
            database,
            Vault(settings.secrets_key),
            allowed=settings.webhook_allow_networks,
            name="orders",
            development=development,
        ) as webhooks,
    ):
        yield webhooks


def _print_secret(made: EndpointSecret) -> None:
    _print(made.endpoint)
    say(f"  secret, shown this once: {made.secret}")


def _print(endpoint: EndpointView) -> None:
    say(f"{endpoint.id}  {endpoint.url}")
    for line in _lines(endpoint):
        say(f"  {line}")


def _lines(endpoint: EndpointView) -> Sequence[str]:
    state = "enabled"
    if endpoint.disabled_reason and endpoint.disabled_at:
        state = f"DISABLED ({endpoint.disabled_reason}) since {moment(endpoint.disabled_at)} UTC"
    elif endpoint.failing_since:
        state = f"enabled, failing since {moment(endpoint.failing_since)} UTC"
    about = [endpoint.description] if endpoint.description else []
    counts = f"waiting: {endpoint.waiting:,}, failed or skipped: {endpoint.failed:,}"
    return [*about, ", ".join(endpoint.event_types), f"{state}; {counts}"]
