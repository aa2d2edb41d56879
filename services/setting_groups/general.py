"""Settings of every process, and of passwords."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel

from services.parts import ALL_PARTS, CONNECTED, WITH_DATABASE, Part
from services.setting_declarations import setting

_API = frozenset({Part.API})
_TRACED = ALL_PARTS | {Part.WEB}


class GeneralSettings(BaseModel):
    """General."""

    app_env: Literal["development", "production"] | None = setting(
        None,
        "whether the production checks apply",
        parts=WITH_DATABASE,
        shown="production when `DATABASE_URL` is set, else development",
    )
    data_dir: Path = setting(
        Path(".data"),
        "the directory of the sandbox; in development also of generated keys. One that others may read is closed to "
        "them (mode 0700)",
        kind="directory",
        parts=WITH_DATABASE,
    )
    public_url: str = setting(
        "http://127.0.0.1:8000",
        "the address at which buyers reach the API; production refuses a loopback address",
        kind="https URL",
    )
    runbook_url: str | None = setting(
        None,
        "where your operators read [operators.md](operators.md); the details of each workflow in Temporal's Web UI "
        "link to it, or name the file",
        kind="URL",
        parts=CONNECTED,
    )
    #: as set, several by comma for rotation; code uses `secrets_key`
    secrets_key_given: str | None = setting(
        None,
        "encrypts stored values; several by comma: the first encrypts, all decrypt",
        kind="32 or more random characters",
        parts=CONNECTED,
        required="32 or more random characters (`openssl rand -hex 32`)",
        secret=True,
        validation_alias="secrets_key",
    )
    #: in development created once in DATA_DIR
    signing_key: str | None = setting(
        None,
        "signs access tokens, with `\\n` for line ends if need be; several one after the other: the first signs, all "
        "verify",
        kind="Ed25519 key in PEM form",
        parts={Part.API, Part.COMMANDS},
        required="`openssl genpkey -algorithm ed25519` creates one",
        secret=True,
    )
    phone_region: str = setting(
        "RU",
        "the country of telephone numbers without a country code",
        kind="ISO 3166-1 code",
        parts=CONNECTED,
        pattern="^[A-Z]{2}$",
    )
    #: `step:point:kind`, comma-separated
    faults: str = setting("", "active fault points; development only", kind="list by comma", parts={Part.WORKERS})


class TracingSettings(BaseModel):
    """Traces."""

    otel_exporter_otlp_endpoint: str | None = setting(
        None,
        "OpenTelemetry's collector, which takes OTLP over HTTP, such as `http://collector:4318` "
        "([traces](monitoring.md#traces)); without it there are no traces",
        kind="URL",
        parts=_TRACED,
    )
    otel_service_name: str | None = setting(
        None,
        "the name of the process in traces",
        parts=_TRACED,
        shown="`marketplace-api`, `marketplace-workers` or `marketplace-web`",
    )
    otel_traces_sampler: Literal[
        "always_on",
        "always_off",
        "traceidratio",
        "parentbased_always_on",
        "parentbased_always_off",
        "parentbased_traceidratio",
    ] = setting("parentbased_always_on", "which traces are recorded", parts=_TRACED)
    otel_traces_sampler_arg: float = setting(
        1, "the share of the traces that `traceidratio` records", kind="0 to 1", parts=_TRACED, ge=0, le=1
    )


class PasswordSettings(BaseModel):
    """Password hashing."""

    argon2_time_cost: int = setting(
        3, "[Argon2id](deploying.md#password-hashing): passes over the memory", kind="passes", parts=_API, ge=1
    )
    argon2_memory_kib: int = setting(65536, "Argon2id: memory of a hash", kind="KiB", parts=_API, ge=8)
    argon2_parallelism: int = setting(4, "Argon2id: lanes, which may run at once", kind="lanes", parts=_API, ge=1)
