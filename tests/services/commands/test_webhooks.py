"""`webhooks`: endpoints from the command line."""

from __future__ import annotations

import re

import pytest

from services.clock import new_id
from services.db import Database
from services.webhooks.service import WebhookService
from tests.builders import KEY
from tests.services.commands.conftest import Commands
from tests.services.webhooks.builders import an_event

URL = "https://8.8.8.8/hooks"


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRETS_KEY", KEY)


def test_an_endpoint_is_added_disabled_enabled_and_sent_what_it_missed(command: Commands, database: Database) -> None:
    added = command("webhooks", "add", URL, "--event", "order.paid", "--description", "ERP")
    assert added.exit_code == 0, added.stderr
    (secret,) = re.findall(r"whsec_\S+", added.stdout)
    endpoint = added.stdout.split(" ")[0]
    rotated = command("webhooks", "rotate", endpoint, "--overlap-hours", "1")
    assert secret not in rotated.stdout
    assert "whsec_" in rotated.stdout
    assert "DISABLED (operator)" in command("webhooks", "disable", endpoint).stdout
    with database.transaction() as tx:
        WebhookService(database).queue([an_event(new_id()), an_event(new_id(), "confirmed")], tx)
    refused = command("webhooks", "redeliver", endpoint, "--since", "2026-01-01")
    assert (refused.exit_code, refused.stderr) == (1, "The endpoint is disabled: enable it first.\n")
    assert "enabled; waiting: 0, failed or skipped: 1" in command("webhooks", "enable", endpoint).stdout
    assert (
        command("webhooks", "redeliver", endpoint, "--since", "2026-01-01").stdout == "1 message will be sent again.\n"
    )
    listed = command("webhooks", "list").stdout
    assert "waiting: 1, failed or skipped: 0" in listed
    assert "whsec_" not in listed
    assert command("webhooks", "delete", endpoint).exit_code == 0
    assert command("webhooks", "list").stdout == "There is no endpoint.\n"
    assert command("webhooks", "enable", endpoint).stderr == "There is no such endpoint.\n"


@pytest.mark.parametrize("url", ["http://8.8.8.8/", "https://10.0.0.1/", "https://127.0.0.1/"])
def test_T220_T224_the_command_refuses_what_the_operation_refuses(
    command: Commands, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.delenv("APP_ENV", raising=False)
    assert command("webhooks", "add", url).exit_code == 2


def test_a_secret_is_not_encrypted_with_a_key_that_nobody_else_has(
    command: Commands, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SECRETS_KEY")
    refused = command("webhooks", "add", URL)
    assert (refused.exit_code, refused.stderr[:22]) == (2, "SECRETS_KEY is missing")
