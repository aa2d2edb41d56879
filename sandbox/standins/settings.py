"""Settings of the stand-ins process, read from the environment once."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Settings:
    """Ports (0 chooses a free one), the shop's credentials, webhook receivers, and delays in seconds."""

    #: listening address; the loopback, except in a container with its own network
    host: str = "127.0.0.1"
    #: host names under which other processes reach the stand-ins, beside those of the loopback
    names: tuple[str, ...] = ()
    http_port: int = 8100
    smtp_port: int = 2525
    data_dir: Path | None = None
    webhook_url: str | None = None
    #: receiver of signed webhooks; `{paymentId}` is replaced by our payment's id
    notify_url: str | None = None
    #: signing secrets, `whsec_…`, separated by commas
    webhook_secrets: str = field(default="", repr=False)
    #: whether signed webhooks are sent for every payment
    signed_webhooks: bool = False
    shop_id: str = "100500"
    secret_key: str = "test_sandbox"  # noqa: S105 - valid at the stand-in only
    #: whether the amounts and currencies of the real provider apply
    live_limits: bool = False
    #: whether the shop must send fiscal receipts with payments and refunds
    fiscal: bool = False
    answers_later: float = 3.0
    phone_answers: float = 0.3
    moment: float = 1.0
    late_webhook: float = 10.0
    hang: float = 30.0
    confirmation: float = 3600.0
    webhook_give_up: float = 86400.0


def read_settings(environ: Mapping[str, str] = os.environ) -> Settings:
    """Read the settings from the environment; a missing or empty variable keeps its default."""
    given = {name: value for name, value in environ.items() if value}
    plain = Settings()
    return Settings(
        host=given.get("SANDBOX_HOST", plain.host),
        names=tuple(name.strip() for name in given.get("SANDBOX_NAMES", "").split(",") if name.strip()),
        http_port=int(given.get("SANDBOX_PORT", plain.http_port)),
        smtp_port=int(given.get("SMTP_PORT", plain.smtp_port)),
        data_dir=Path(given["DATA_DIR"]) if "DATA_DIR" in given else None,
        webhook_url=given.get("WEBHOOK_URL"),
        notify_url=given.get("NOTIFY_URL"),
        webhook_secrets=given.get("PAYMENT_WEBHOOK_SECRETS", plain.webhook_secrets),
        signed_webhooks=given.get("SIGNED_WEBHOOKS", "").lower() in ("1", "true", "yes"),
        shop_id=given.get("YOOKASSA_SHOP_ID", plain.shop_id),
        secret_key=given.get("YOOKASSA_SECRET_KEY", plain.secret_key),
        live_limits=given.get("PAYMENT_LIMITS") == "live",
        fiscal=given.get("FISCAL_SHOP", given.get("PAYMENT_RECEIPTS")) == "on",
        answers_later=float(given.get("ANSWERS_LATER_SECONDS", plain.answers_later)),
        phone_answers=float(given.get("PHONE_ANSWER_SECONDS", plain.phone_answers)),
        moment=float(given.get("MOMENT_SECONDS", plain.moment)),
        late_webhook=float(given.get("LATE_WEBHOOK_SECONDS", plain.late_webhook)),
        hang=float(given.get("HANG_SECONDS", plain.hang)),
        confirmation=float(given.get("CONFIRMATION_SECONDS", plain.confirmation)),
        webhook_give_up=float(given.get("WEBHOOK_GIVE_UP_SECONDS", plain.webhook_give_up)),
    )
