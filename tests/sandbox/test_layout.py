"""The components of a stack: start order and environment variables."""

from dataclasses import replace
from pathlib import Path

import pytest

from sandbox.addresses import Secrets
from sandbox.layout import Layout
from sandbox.settings import StackSettings


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(
        StackSettings(tmp_path),
        tmp_path,
        Secrets("of the database", "of the rows", "of the shop", "of webhooks", "of the pages"),
    )


def names(layout: Layout) -> list[list[str]]:
    return [[component.name for component in stage] for stage in layout.stages()]


def test_start_order(layout: Layout) -> None:
    servers = ["standins", "temporal", "postgres"]
    assert names(layout) == [servers, ["migrations"], ["catalog", "workers", "web"]]
    separate = replace(layout.settings, separate=True, catalog=False)
    assert names(replace(layout, settings=separate)) == [servers, ["migrations"], ["workers", "api", "web"]]
    elsewhere = replace(layout.settings, database_url="postgresql://there/market", temporal_address="there:7233")
    assert names(replace(layout, settings=elsewhere))[0] == ["standins"]


OF_ANOTHER_TEMPORAL = (
    "TEMPORAL_API_KEY", "TEMPORAL_PROFILE", "TEMPORAL_CONFIG_FILE", "TEMPORAL_TLS", "TEMPORAL_TLS_SERVER_NAME",
    "TEMPORAL_TLS_SERVER_CA_CERT_PATH", "TEMPORAL_TLS_SERVER_CA_CERT_DATA", "TEMPORAL_TLS_CLIENT_CERT_PATH",
    "TEMPORAL_TLS_CLIENT_CERT_DATA", "TEMPORAL_TLS_CLIENT_KEY_PATH", "TEMPORAL_TLS_CLIENT_KEY_DATA",
)  # fmt: skip


def test_environment_of_the_application(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PUBLIC_URL", "RATE_LIMIT_FACTOR", "SECRETS_KEY", "API_HOST"):
        monkeypatch.delenv(name, raising=False)
    assert layout.environment == {
        "APP_ENV": "development",
        "DATABASE_URL": "postgresql://market:of%20the%20database@127.0.0.1:54329/market",
        "DATABASE_LISTEN_URL": "",
        "TEMPORAL_ADDRESS": "127.0.0.1:7233",
        "TEMPORAL_NAMESPACE": "market",
        **dict.fromkeys(OF_ANOTHER_TEMPORAL, ""),
        "TEMPORAL_TLS": "false",
        "SMTP_URL": "smtp://127.0.0.1:2525",
        "SMS_URL": "http://127.0.0.1:8100/2010-04-01/Accounts/sandbox/Messages.json",
        "PAYMENT_GATEWAY": "yookassa",
        "PAYMENT_GATEWAY_URL": "http://127.0.0.1:8100/v3",
        "YOOKASSA_SHOP_ID": "sandbox",
        "YOOKASSA_SECRET_KEY": "of the shop",
        "PAYMENT_WEBHOOK_SECRETS": "of webhooks",
        "SHOP_ORIGINS": "http://127.0.0.1:8080",
        "SHOP_RETURN_URL": "http://127.0.0.1:8080/return?order={orderId}",
        "SHOP_ORDER_URL": "http://127.0.0.1:8080/orders/{orderId}",
        "SHOP_RESET_URL": "http://127.0.0.1:8080/reset?token={token}",
        "SHOP_VERIFY_URL": "http://127.0.0.1:8080/account",
        "PUBLIC_URL": "http://127.0.0.1:8000",
        "API_HOST": "127.0.0.1",
        "API_PORT": "8000",
        "RATE_LIMIT_FACTOR": "1000",
        "SECRETS_KEY": "of the rows",
        "DATA_DIR": str(layout.folder),
    }


def test_existing_variables_override_preferences_but_not_addresses_of_external_services(
    layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RATE_LIMIT_FACTOR", "1")
    monkeypatch.setenv("SMTP_URL", "smtp://mail.example.com")
    assert layout.environment["RATE_LIMIT_FACTOR"] == "1"
    assert layout.environment["SMTP_URL"] == "smtp://127.0.0.1:2525"
    explicit = replace(layout, settings=replace(layout.settings, env={"RATE_LIMIT_FACTOR": "2"}))
    assert explicit.environment["RATE_LIMIT_FACTOR"] == "2"


def test_T174_the_stand_in_follows_the_rules_that_the_application_is_given(layout: Layout) -> None:
    rules = {"PAYMENT_LIMITS": "live", "PAYMENT_RECEIPTS": "on"}
    given = replace(layout, settings=replace(layout.settings, env=rules | {"PAYMENT_WINDOW": "60"}))
    assert given.rules_of_the_provider == rules


def test_T230_accounts_are_made_in_the_embedded_database_only(layout: Layout) -> None:
    ready = replace(layout, settings=replace(layout.settings, accounts=True))
    assert names(ready)[2] == ["catalog", "accounts", "workers", "web"]
    elsewhere = replace(ready, settings=replace(ready.settings, database_url="postgresql://there/market"))
    assert "accounts" not in names(elsewhere)[2]
