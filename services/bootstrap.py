"""Builds the services once, for the api, the workers, the sandbox and the tests alike."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

from services import db
from services.catalog.service import CatalogService
from services.clock import Clock
from services.db import Database
from services.idempotency import IdempotencyStore
from services.identity.access_tokens import AccessTokens
from services.identity.account_messages import AccountMessages
from services.identity.login_throttle import ThrottleSubjects
from services.identity.password_check import PasswordCheck
from services.identity.password_resets import PasswordResets
from services.identity.passwords import Argon2Profile, PasswordHasher
from services.identity.refresh_tokens import RefreshTokens
from services.identity.send_limits import SendLimits
from services.identity.service import IdentityService
from services.identity.sign_in import SignIn
from services.identity.signing_keys import signing_keys
from services.identity.verification_codes import VerificationCodes
from services.notifications.mail import SmtpMailSender
from services.notifications.ports import MailSender, SmsSender, UnconfiguredSender
from services.notifications.rendering import Templates
from services.notifications.service import NotificationService
from services.notifications.sms import HttpSmsSender
from services.orders.outbox import OrderOutbox
from services.orders.service import OrderService
from services.orders.transitions import OrderTransitions
from services.orders.views import Policy
from services.payments.call_budget import CallBudget
from services.payments.gateway import Gateway
from services.payments.service import PaymentService
from services.payments.signatures import SignatureVerifier
from services.payments.yookassa.gateway import YooKassa
from services.payments.yookassa.method_rules import any_amount_methods, live_methods
from services.payments.yookassa.webhooks import SOURCES
from services.pg_notify import PgListener
from services.rate_limiter import RateLimiter
from services.reservations.service import ReservationService
from services.secrets import Vault, webhook_keys
from services.settings import Settings


@dataclass(frozen=True)
class Services:
    """Every service, wired."""

    settings: Settings
    database: Database
    pg_listener: PgListener
    identity: IdentityService
    sign_in: SignIn
    codes: VerificationCodes
    resets: PasswordResets
    account_messages: AccountMessages
    tokens: AccessTokens
    limits: RateLimiter
    idempotency: IdempotencyStore
    catalog: CatalogService
    orders: OrderService
    order_transitions: OrderTransitions
    order_outbox: OrderOutbox
    reservations: ReservationService
    payments: PaymentService
    notifications: NotificationService


def database_url(settings: Settings) -> str:
    """`DATABASE_URL`, or that of the sandbox that runs on DATA_DIR. Raises ValueError when there is neither."""
    if settings.database_url:
        return settings.database_url
    try:
        addresses: dict[str, str] = json.loads((settings.data_dir / "addresses.json").read_text())
    except OSError:
        raise ValueError(
            f"No database: set DATABASE_URL, or start the sandbox (`make up`) with DATA_DIR={settings.data_dir}"
        ) from None
    return addresses["database"]


@contextmanager
def open_services(
    settings: Settings,
    *,
    clock: Clock | None = None,
    gateway: Gateway | None = None,
    database: Database | None = None,
    call_budget: CallBudget | None = None,
    policy: Policy | None = None,
) -> Iterator[Services]:
    """Wire the services; connections and threads that are opened here are closed at the end of the `with` block.

    An argument replaces what the settings would create, and stays open. No connection is made yet.
    Raises ValueError when a setting is missing or wrong.
    """
    with ExitStack() as resources:
        url = database_url(settings)
        if database is None:
            database = db.connect(url, pool_size=settings.database_pool)
            resources.callback(database.close)
        if gateway is None:
            gateway = resources.enter_context(closing(_gateway(settings)))
        clock = clock or Clock()
        database = database.with_clock(clock)
        services = _wire(settings, resources, url, database, clock, gateway, call_budget, policy)
        resources.callback(services.pg_listener.stop)
        yield services


def _wire(
    settings: Settings,
    resources: ExitStack,
    url: str,
    database: Database,
    clock: Clock,
    gateway: Gateway,
    call_budget: CallBudget | None,
    policy: Policy | None,
) -> Services:
    vault = Vault(settings.secrets_key)
    tokens = AccessTokens(
        signing_keys(settings.signing_key, settings.data_dir, development=settings.development), clock
    )
    passwords = resources.enter_context(_hasher(settings))
    messages = AccountMessages(database, vault)
    check = PasswordCheck(database, passwords, ThrottleSubjects(settings.secrets_key))
    limits = RateLimiter(database, settings.secrets_key, clock)
    send_limits = SendLimits(limits, settings.sms_per_hour)
    region = settings.phone_region
    return Services(
        settings=settings,
        database=database,
        pg_listener=PgListener(settings.database_listen_url or url),
        identity=IdentityService(database, passwords, settings.phone_region),
        sign_in=SignIn(database, check, tokens, RefreshTokens(settings.secrets_key), messages, settings.phone_region),
        codes=VerificationCodes(database, messages, send_limits, check, settings.secrets_key, region),
        resets=PasswordResets(database, messages, send_limits, check, region),
        account_messages=messages,
        tokens=tokens,
        limits=limits,
        idempotency=IdempotencyStore(database),
        catalog=CatalogService(database),
        orders=OrderService(database, vault, policy or _policy(settings)),
        order_transitions=OrderTransitions(database, vault),
        order_outbox=OrderOutbox(database, vault),
        reservations=ReservationService(database),
        payments=PaymentService(
            database,
            gateway,
            call_budget=call_budget,
            signatures=SignatureVerifier(webhook_keys(settings.webhook_secrets)),
        ),
        notifications=_notifications(settings, database, vault, resources),
    )


def _policy(settings: Settings) -> Policy:
    return Policy(
        max_unpaid=settings.orders_max_unpaid,
        hold_seconds=settings.hold_seconds,
        payment_window=settings.payment_window,
        payment_attempts=settings.payment_attempts,
        attention_after=settings.attention_after,
        local_lane=settings.local_lane == "on",
    )


def _hasher(settings: Settings) -> PasswordHasher:
    return PasswordHasher(
        Argon2Profile(settings.argon2_time_cost, settings.argon2_memory_kib, settings.argon2_parallelism)
    )


def _gateway(settings: Settings) -> YooKassa:
    # In development it is the stand-in, which takes anything and calls back from this machine.
    methods, sources = live_methods(settings.card_term, settings.phone_term), [*SOURCES]
    if settings.development:
        methods = any_amount_methods(settings.card_term, settings.phone_term)
        sources += ["127.0.0.0/8", "::1/128"]
    return YooKassa(
        settings.payment_gateway_url,
        settings.yookassa_shop_id or "",
        settings.yookassa_secret_key or "",
        methods,
        sources=[*sources, *filter(None, map(str.strip, settings.payment_webhook_sources.split(",")))],
    )


def _notifications(settings: Settings, database: Database, vault: Vault, resources: ExitStack) -> NotificationService:
    mail_sender: MailSender = UnconfiguredSender("SMTP_URL")
    sms_sender: SmsSender = UnconfiguredSender("SMS_URL")
    if settings.smtp_url:
        host = urlsplit(settings.public_url).hostname or "localhost"
        mail_sender = resources.enter_context(closing(SmtpMailSender(settings.smtp_url, settings.mail_from, host)))
    if settings.sms_url:
        sms_sender = resources.enter_context(closing(HttpSmsSender(settings.sms_url, settings.sms_from)))
    templates = Templates(settings.shop_name)
    return resources.enter_context(closing(NotificationService(database, vault, mail_sender, sms_sender, templates)))
