"""`reconcile`: the report as a table and as JSON, the exit codes, and parts of the system that do not answer."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path
from typing import Any

from activities.recovery import RunState
from sandbox.ports import free_port
from sandbox.temporal import TemporalServer
from services.db import Database
from services.orders.views import OrderView
from services.settings import Settings
from tests.services.commands.conftest import Commands
from tests.services.orders.conftest import order, orders
from workflows.client import connect
from workflows.order_runs import OrderRuns

__all__ = ["order", "orders"]  # the fixtures of orders

UNDELIVERED = (
    "INSERT INTO identity.messages (id, channel, template, language, created_at)"
    " SELECT gen_random_uuid(), 'email', 'verify_email', 'ru', now() - interval '90 seconds'"
    "   FROM generate_series(1, cast(%(number)s AS integer))"
)
NO_PROVIDER = "The payment provider cannot be asked: the provider cannot be reached."
WAITED = r"An account message `verify_email` has waited for 9\d s\."


TABLES = ("reconcile", "--without-temporal", "--without-provider")


def test_when_everything_holds(command: Commands) -> None:
    done = command(*TABLES, "--json")
    report = json.loads(done.stdout)
    assert (done.exit_code, done.stderr, report["clean"], report["complete"]) == (0, "", True, True)
    assert {check["id"] for check in report["checks"]} >= {"I1", "I14"}
    assert (report["needAttention"], report["attention"]) == (0, [])
    done = command(*TABLES)
    assert done.exit_code == 0
    assert "no open order stands still" in done.stdout


def test_a_violation_is_a_sentence_and_then_its_ids(command: Commands, database: Database) -> None:
    database.execute(UNDELIVERED, {"number": 22})
    message = database.fetch_value("SELECT id FROM identity.messages ORDER BY id LIMIT 1")
    done = command(*TABLES)
    assert done.exit_code == 1
    assert "VIOLATED: 22" in done.stdout
    assert re.search(f"I12: {WAITED}\n    message {message}\n", done.stdout)
    assert "I12: … and 2 more\n" in done.stdout
    report = json.loads(command(*TABLES, "--json").stdout)
    violated = next(check for check in report["checks"] if not check["holds"])
    assert (violated["violated"], len(violated["violations"])) == (22, 20)
    first = violated["violations"][0]
    assert re.fullmatch(WAITED, first["sentence"])
    assert first["ids"] == {"message": str(message)}
    assert command(*TABLES, "--lag", "100").exit_code == 0


def test_what_cannot_be_checked_in_time_says_so(command: Commands, database: Database) -> None:
    with database.transaction() as tx:
        tx.execute("LOCK TABLE orders.orders")
        done = command(*TABLES, "--timeout", "1")
    assert done.exit_code == 2
    assert "NOT CHECKED" in done.stdout
    assert "Allow more time with --timeout." in done.stdout


def test_without_temporal_the_rest_is_checked(command: Commands, database: Database) -> None:
    command.env["TEMPORAL_ADDRESS"] = f"127.0.0.1:{free_port()}"
    done = command("reconcile", "--without-provider")
    assert done.exit_code == 2
    assert "I7 was not checked in full: Temporal does not answer.\n" in done.stdout
    assert done.stdout.count("NOT CHECKED") == 1
    database.execute(UNDELIVERED, {"number": 1})
    assert command("reconcile", "--without-provider").exit_code == 1


def test_without_the_provider_the_rest_is_checked(command: Commands) -> None:
    command.env |= {"PAYMENT_GATEWAY_URL": f"http://127.0.0.1:{free_port()}/v3", "YOOKASSA_SHOP_ID": "1"}
    report = json.loads(command("reconcile", "--json", "--without-temporal").stdout)
    unchecked = [(check["id"], check["unchecked"]) for check in report["checks"] if check["unchecked"]]
    assert unchecked == [("I13", NO_PROVIDER)] * 2
    command.env["YOOKASSA_SHOP_ID"] = ""
    done = command("reconcile")
    assert (done.exit_code, done.stderr) == (2, "YOOKASSA_SHOP_ID is not set: set it, or use --without-provider.\n")


def test_the_servers_of_the_sandbox_are_asked(tmp_path: Path, database_url: str, temporal: TemporalServer) -> None:
    addresses = {"database": database_url, "temporal": temporal.address, "sandbox": "http://127.0.0.1:1"}
    (tmp_path / "addresses.json").write_text(json.dumps(addresses))
    (tmp_path / "secrets.json").write_text(json.dumps({"yookassaSecretKey": "test_key"}))
    report = json.loads(Commands(tmp_path, None)("reconcile", "--json").stdout)
    assert [check["unchecked"] for check in report["checks"] if check["id"] == "I7"] == [None]
    assert [check["unchecked"] for check in report["checks"] if check["id"] == "I13"] == [NO_PROVIDER] * 2


def test_without_a_database(tmp_path: Path) -> None:
    done = Commands(tmp_path, "postgresql://market@127.0.0.1:1/market")(*TABLES, "--json")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "The database cannot be reached or is busy" in done.stderr


def test_repair_starts_the_workflow_of_an_order_that_has_none(
    command: Commands, order: OrderView, database: Database, temporal: TemporalServer
) -> None:
    command.env["TEMPORAL_ADDRESS"] = temporal.address
    age = "UPDATE orders.orders SET updated_at = now() - interval '1 hour', created_at = now() - interval '1 hour'"
    database.execute(age)
    before = json.loads(command("reconcile", "--without-provider", "--json").stdout)
    assert str(order.id) in without_workflow(before)
    done = command("reconcile", "--without-provider", "--json", "--repair")
    report = json.loads(done.stdout[done.stdout.index("{\n") :])
    assert report["started"] == 1
    assert str(order.id) not in without_workflow(report)
    again = command("reconcile", "--without-provider", "--repair")
    assert "Repaired before the check: 0 workflows of open orders were started.\n" in again.stdout
    assert asyncio.run(state_after_termination(temporal, order)) is RunState.TERMINATED


def without_workflow(report: dict[str, Any]) -> list[str]:
    """The orders that violate I7; other tests leave workflows of orders that are deleted on the same server."""
    found = [each["ids"] for check in report["checks"] if check["id"] == "I7" for each in check["violations"]]
    return [ids["order"] for ids in found if "order" in ids]


async def state_after_termination(temporal: TemporalServer, order: OrderView) -> RunState:
    """Terminate the workflow that was started, so that it is no open one of the next test."""
    client = await connect(Settings(app_env="development", temporal_address=temporal.address))
    await client.get_workflow_handle(f"order-{order.id}").terminate()
    return await OrderRuns(client).state(order.id)


def test_repair_needs_temporal(command: Commands) -> None:
    refused = command("reconcile", "--repair", "--without-temporal")
    assert (refused.exit_code, refused.stdout) == (2, "")
    command.env["TEMPORAL_ADDRESS"] = f"127.0.0.1:{free_port()}"
    away = command("reconcile", "--repair", "--without-provider")
    assert (away.exit_code, away.stdout) == (2, "")
    assert away.stderr.startswith("Temporal does not answer")
