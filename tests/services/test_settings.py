"""Settings: the mode of the system, secrets in representations, and the keys of development."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from pydantic import ValidationError

from services import migrate
from services.bootstrap import open_services
from services.db import Database
from services.secrets import KEY_FILE
from services.settings import Settings
from services.startup import read
from tests.services.environment import CANARY, GOOD


def test_a_database_url_alone_means_production(environment: pytest.MonkeyPatch) -> None:
    environment.delenv("APP_ENV")
    environment.delenv("SECRETS_KEY")
    with pytest.raises(ValueError, match=r"^SECRETS_KEY is missing"):
        read()
    environment.setenv("APP_ENV", "development")
    assert read().development


@pytest.mark.parametrize(("app_env", "on"), [("development", True), ("production", False)])
def test_the_workflow_sandbox_is_on_in_development_only(
    environment: pytest.MonkeyPatch, app_env: str, on: bool
) -> None:
    environment.setenv("APP_ENV", app_env)
    assert read().workflow_sandbox_on is on
    environment.setenv("WORKFLOW_SANDBOX", "off" if on else "on")
    assert read().workflow_sandbox_on is not on


def test_a_worker_needs_threads_beside_the_relay_and_the_dispatcher(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("WORKER_THREADS", "3")
    with pytest.raises(ValueError, match=r"^WORKER_THREADS"):
        read()


def test_a_representation_contains_no_secret(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("TEMPORAL_API_KEY", CANARY)
    environment.setenv("PAYMENT_WEBHOOK_SECRETS", f"whsec_{CANARY}3Xv9Kp2Ws6Yt1Nc4Hf7Jg0Da5Me8Ru3Bd5")
    shown = repr(read())
    assert [secret for secret in (CANARY, GOOD["SECRETS_KEY"], "PRIVATE KEY") if secret in shown] == []


def test_development_creates_one_private_secrets_key_file(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    settings = Settings(app_env="development", data_dir=folder)
    with ThreadPoolExecutor(16) as pool:
        made = set(pool.map(lambda _: settings.secrets_key, range(16)))
    (key,) = made
    assert len(key) >= 32
    assert [file.name for file in folder.iterdir()] == [KEY_FILE]
    assert stat.S_IMODE((folder / KEY_FILE).stat().st_mode) == 0o600
    assert Settings(app_env="development", data_dir=folder).secrets_key == key
    assert Settings(app_env="development", data_dir=tmp_path / "other").secrets_key != key


def test_a_given_key_is_used_and_no_file_is_written(tmp_path: Path) -> None:
    settings = Settings(app_env="development", data_dir=tmp_path, secrets_key="given")
    assert settings.secrets_key == "given"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "value"),
    [("PAYMENT_VAT_CODE", "13"), ("PAYMENT_TAX_SYSTEM", "7"), ("PAYMENT_RECEIPTS", "yes"), ("PAYMENT_LIMITS", "none")],
)
def test_T176_settings_of_receipts_that_the_provider_does_not_know(
    environment: pytest.MonkeyPatch, name: str, value: str
) -> None:
    environment.setenv(name, value)
    with pytest.raises(ValidationError):
        Settings()


#: Values that cannot be right, by setting; every other setting takes any text, or has a test of its own.
NONSENSE = {
    **dict.fromkeys(
        ("app_env", "temporal_plaintext", "payment_gateway", "local_lane", "workflow_sandbox", "api_operations"),
        "maybe",
    ),
    **dict.fromkeys(("public_url", "runbook_url", "temporal_ui_url", "payment_gateway_url", "sms_url"), "there"),
    **dict.fromkeys(("database_url", "database_listen_url"), "postgresql://m:secret@there:port/m"),
    **dict.fromkeys(("trusted_proxies", "trace_sources", "payment_webhook_sources", "webhook_allow_networks"), "there"),
    **dict.fromkeys(("shop_name", "sms_from", "api_host", "metrics_host", "temporal_namespace"), "a\tb"),
    **dict.fromkeys(("worker_build_id", "mail_from", "mail_reply_to"), " "),
    **dict.fromkeys(("api_docs", "temporal_tls", "orders_require_verified"), "maybe"),
    **dict.fromkeys(("api_port", "metrics_port"), "65536"),
    **dict.fromkeys(("sms_per_hour", "orders_max_unpaid", "drain_seconds"), "-1"),
    **dict.fromkeys(("database_pool", "payment_window", "hold_seconds", "phone_term", "card_term"), "0"),
    **dict.fromkeys(("payment_attempts", "attention_after", "worker_threads"), "0"),
    **dict.fromkeys(("argon2_time_cost", "argon2_memory_kib", "argon2_parallelism"), "0"),
    **dict.fromkeys(("rate_limit_factor", "message_budget_factor"), "nan"),
    **dict.fromkeys(
        ("shop_origins", "cors_origins", "shop_return_url", "shop_order_url", "shop_reset_url", "shop_verify_url"),
        "there",
    ),
    "otel_exporter_otlp_endpoint": "there",
    "otel_service_name": " ",
    "otel_traces_sampler": "sometimes",
    "otel_traces_sampler_arg": "1.5",
    "hold_max_share": "1.5",
    "hold_max_units": "-1",
    **dict.fromkeys(("payment_limits", "payment_receipts"), "maybe"),
    "payment_vat_code": "13",
    "payment_tax_system": "7",
    "secrets_key": "a key",
    "signing_key": "a key",
    "payment_webhook_secrets": "a secret",
    "phone_region": "XX",
    "temporal_address": "there",
    "temporal_profile": "nowhere",
    "temporal_tls_server_name": " ",
    **dict.fromkeys(("temporal_config_file", "smtp_ca_file"), "nowhere"),
    **{f"temporal_tls_{of}_path": "nowhere" for of in ("server_ca_cert", "client_cert", "client_key")},
    **{f"temporal_tls_{of}_data": "no PEM" for of in ("server_ca_cert", "client_cert", "client_key")},
    "smtp_url": "there",
    "api_services": "all",
    "faults": "on",
}
ANY_TEXT = {"data_dir", "temporal_grpc_meta", "temporal_api_key", "yookassa_shop_id", "yookassa_secret_key"}


def test_T160_every_setting_is_looked_at() -> None:
    assert {name.removesuffix("_given") for name in Settings.model_fields} == NONSENSE.keys() | ANY_TEXT


@pytest.mark.parametrize("name", NONSENSE)
def test_T160_a_wrong_setting_prevents_the_start(environment: pytest.MonkeyPatch, name: str) -> None:
    environment.setenv(name.upper(), NONSENSE[name])
    with pytest.raises(ValueError, match=f"^{name.upper()}"), open_services(read()):
        pass


def test_T158_a_database_with_several_hosts(
    environment: pytest.MonkeyPatch, database: Database, database_url: str
) -> None:
    start, _, rest = database_url.rpartition("@")
    host, _, name = rest.partition("/")
    several = f"{start}@127.0.0.1:1,{host}/{name}?target_session_attrs=read-write"
    environment.setenv("DATABASE_URL", several)
    settings = read()
    migrate.to_head(several)
    with open_services(settings) as services:
        assert migrate.state(services.database) == "current"


@pytest.mark.parametrize(("before", "after"), [(0o755, 0o700), (0o777, 0o700), (0o711, 0o711), (0o1777, 0o1777)])
def test_T159_a_data_directory_of_others_is_closed_to_them(tmp_path: Path, before: int, after: int) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    folder.chmod(before)
    assert Settings(app_env="development", data_dir=folder).secrets_key
    assert stat.S_IMODE(folder.stat().st_mode) == after
