"""Builds the services once, for the api, the workers, the sandbox and the tests alike."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Set
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from dataclasses import dataclass
from email.utils import parseaddr
from urllib.parse import urlsplit

from services import db
from services.archive.archive import OrderArchive
from services.catalog.service import CatalogService
from services.clock import Clock
from services.db import Database
from services.idempotency import IdempotencyStore
from services.identity.access_tokens import AccessTokens
from services.identity.account_deletion import AccountDeletion
from services.identity.account_messages import AccountMessages
from services.identity.identifier_changes import IdentifierChanges
from services.identity.login_throttle import ThrottleSubjects
from services.identity.minted_tokens import MintedTokens
from services.identity.operators import Operators
from services.identity.ownership import Ownership
from services.identity.password_check import PasswordCheck
from services.identity.password_resets import PasswordResets
from services.identity.passwords import Argon2Profile, PasswordHasher
from services.identity.refresh_tokens import RefreshTokens
from services.identity.retention import IdentityRetention
from services.identity.second_factor import SecondFactor
from services.identity.second_factor_enrolment import SecondFactorEnrolment
from services.identity.send_limits import SendLimits
from services.identity.service import IdentityService
from services.identity.sign_in import SignIn
from services.identity.signing_keys import SigningKeys, signing_keys
from services.identity.stream_tickets import StreamTickets
from services.identity.verification_codes import VerificationCodes
from services.notifications.budget import MessageBudget
from services.notifications.mail import SmtpMailSender
from services.notifications.ports import MailSender, SmsSender, UnconfiguredSender
from services.notifications.rendering import Templates
from services.notifications.service import NotificationService
from services.notifications.shop_links import ShopLinks
from services.notifications.sms import HttpSmsSender
from services.order_receipts import OrderReceipts
from services.orders.outbox import OrderOutbox
from services.orders.recovery import OrderRecovery
from services.orders.service import OrderService
from services.orders.transitions import OrderTransitions
from services.orders.views import Policy
from services.parts import ALL_PARTS, Part
from services.payment_gateway import make_gateway
from services.payments.call_budget import CallBudget
from services.payments.gateway import Gateway
from services.payments.provider_states import ProviderStates
from services.payments.service import PaymentService
from services.payments.signatures import SignatureVerifier
from services.personal_data import PersonalData
from services.pg_notify import PgListener
from services.rate_limiter import RateLimiter
from services.reconcile.results import InvariantResults
from services.reservations.service import ReservationService
from services.secrets import Vault, webhook_keys
from services.settings import Settings
from services.sms_budget import SmsBudget
from services.webhooks.dispatcher import WebhookDispatcher
from services.webhooks.endpoints import WebhookEndpoints
from services.webhooks.service import WebhookService
from services.webhooks.wiring import Webhooks, open_webhooks


@dataclass(frozen=True)
class Services:
    """Every service, wired."""

    settings: Settings
    database: Database
    pg_listener: PgListener
    identity: IdentityService
    sign_in: SignIn
    second_factors: SecondFactorEnrolment
    operators: Operators
    codes: VerificationCodes
    identifier_changes: IdentifierChanges
    resets: PasswordResets
    identity_retention: IdentityRetention
    account_messages: AccountMessages
    tokens: AccessTokens
    minted_tokens: MintedTokens
    stream_tickets: StreamTickets
    limits: RateLimiter
    idempotency: IdempotencyStore
    catalog: CatalogService
    orders: OrderService
    order_transitions: OrderTransitions
    order_outbox: OrderOutbox
    order_recovery: OrderRecovery
    reservations: ReservationService
    payments: PaymentService
    notifications: NotificationService
    gateway: Gateway
    provider_states: ProviderStates
    invariant_results: InvariantResults
    webhooks: WebhookService
    webhook_endpoints: WebhookEndpoints
    webhook_dispatcher: WebhookDispatcher
    personal_data: PersonalData


def database_url(settings: Settings) -> str:
    """`DATABASE_URL`, or that of the sandbox that runs on DATA_DIR. Raises ValueError when there is neither."""
    return settings.database_url or sandbox_file(settings, "addresses.json")["database"]


def direct_url(settings: Settings) -> str:
    """The address past a pooler, for what lasts longer than a transaction: LISTEN, and the lock of the migrations."""
    return settings.database_listen_url or database_url(settings)


def connect_database(settings: Settings, pool_size: int) -> Database:
    """A pool of connections to the database of the settings; the caller closes it. No connection is made yet."""
    return db.connect(database_url(settings), pool_size=pool_size, pooler=settings.database_listen_url is not None)


def sandbox_file(settings: Settings, name: str) -> Mapping[str, str]:
    """What the sandbox that runs on DATA_DIR says about itself. Raises ValueError when there is none."""
    try:
        content: dict[str, str] = json.loads((settings.data_dir / name).read_text())
    except OSError:
        raise ValueError(
            f"No database: set DATABASE_URL, or start the sandbox (`make up`) with DATA_DIR={settings.data_dir}"
        ) from None
    return content


@contextmanager
def open_services(
    settings: Settings,
    *,
    parts: Set[Part] = ALL_PARTS,
    clock: Clock | None = None,
    gateway: Gateway | None = None,
    database: Database | None = None,
    call_budget: CallBudget | None = None,
    policy: Policy | None = None,
) -> Iterator[Services]:
    """Wire the services; connections and threads that are opened here are closed at the end of the `with` block.

    `parts`: what the process serves; secrets of other parts need not be set. Each other argument replaces what the
    settings would create, and stays open. No connection is made yet.
    Raises ValueError when a setting is missing or wrong.
    """
    with ExitStack() as resources:
        if database is None:
            database = connect_database(settings, settings.database_pool)
            resources.callback(database.close)
        if gateway is None:
            gateway = resources.enter_context(closing(make_gateway(settings)))
        clock = clock or Clock()
        database = database.with_clock(clock)
        services = _wire(settings, parts, resources, database, clock, gateway, call_budget, policy)
        resources.callback(services.pg_listener.stop)
        yield services


def _wire(
    settings: Settings,
    parts: Set[Part],
    resources: ExitStack,
    database: Database,
    clock: Clock,
    gateway: Gateway,
    call_budget: CallBudget | None,
    policy: Policy | None,
) -> Services:
    vault = Vault(settings.secrets_key)
    tokens = AccessTokens(_signing_keys(settings, parts), clock)
    passwords = resources.enter_context(_hasher(settings))
    throttle_subjects = ThrottleSubjects(settings.secrets_key)
    check = PasswordCheck(database, passwords, throttle_subjects)
    limits = RateLimiter(database, settings.secrets_key, clock)
    messages = AccountMessages(database, vault, limits)
    factor = SecondFactor(database, vault, throttle_subjects, messages)
    refresh_tokens = RefreshTokens(settings.secrets_key)
    sms_budget = SmsBudget(limits, settings.sms_per_hour)
    send_limits = SendLimits(limits, sms_budget)
    budget = MessageBudget(settings.secrets_key, sms_budget, settings.message_budget_factor)
    region, ownership = settings.phone_region, Ownership(messages)
    codes = VerificationCodes(database, messages, ownership, send_limits, settings.secrets_key, region)
    orders = OrderService(database, vault, policy or _policy(settings))
    identity, catalog = IdentityService(database, passwords, region), CatalogService(database)
    webhooks = resources.enter_context(_webhooks(settings, database, vault))
    receipts = OrderReceipts(
        orders, catalog, identity, settings.payment_vat_code, settings.payment_tax_system, _shop_email(settings)
    )
    return Services(
        settings=settings,
        database=database,
        pg_listener=PgListener(direct_url(settings)),
        identity=identity,
        sign_in=SignIn(database, check, tokens, refresh_tokens, messages, factor, region),
        second_factors=SecondFactorEnrolment(database, check, factor, messages),
        operators=Operators(database, factor, messages),
        codes=codes,
        identifier_changes=IdentifierChanges(database, codes, ownership, send_limits, check, region),
        resets=PasswordResets(database, messages, ownership, send_limits, check, region),
        identity_retention=IdentityRetention(database),
        account_messages=messages,
        tokens=tokens,
        minted_tokens=MintedTokens(database, tokens),
        stream_tickets=StreamTickets(database, tokens),
        limits=limits,
        idempotency=IdempotencyStore(database),
        catalog=catalog,
        orders=orders,
        order_transitions=OrderTransitions(database, vault),
        order_outbox=OrderOutbox(database, vault),
        order_recovery=OrderRecovery(database, orders),
        reservations=ReservationService(database),
        payments=PaymentService(
            database,
            gateway,
            call_budget=call_budget,
            signatures=_signatures(settings, parts),
            receipts=receipts if settings.payment_receipts == "on" else None,
            archive=OrderArchive(database),
        ),
        notifications=_notifications(settings, database, vault, budget, resources),
        gateway=gateway,
        provider_states=ProviderStates(database, gateway),
        invariant_results=InvariantResults(database),
        webhooks=webhooks.service,
        webhook_endpoints=webhooks.endpoints,
        webhook_dispatcher=webhooks.dispatcher,
        personal_data=PersonalData.of(
            database, vault, AccountDeletion(database, check, factor, throttle_subjects, messages), budget
        ),
    )


def _shop_email(settings: Settings) -> str | None:
    return parseaddr(settings.mail_reply_to or settings.mail_from)[1] or None


def _signing_keys(settings: Settings, parts: Set[Part]) -> SigningKeys:
    if Part.API not in parts:
        # Nothing issues or verifies tokens there: a key of this process only, which is trusted nowhere.
        return SigningKeys.generate()
    return signing_keys(settings.signing_key, settings.data_dir, development=settings.development)


def _signatures(settings: Settings, parts: Set[Part]) -> SignatureVerifier | None:
    return SignatureVerifier(webhook_keys(settings.webhook_secrets)) if Part.API in parts else None


def _webhooks(settings: Settings, database: Database, vault: Vault) -> AbstractContextManager[Webhooks]:
    name, networks = urlsplit(settings.public_url).hostname or "orders", settings.webhook_allow_networks
    return open_webhooks(database, vault, allowed=networks, name=name, development=settings.development)


def _policy(settings: Settings) -> Policy:
    return Policy(
        max_unpaid=settings.orders_max_unpaid,
        hold_max_share=settings.hold_max_share,
        hold_max_units=settings.hold_max_units,
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


def _notifications(
    settings: Settings, database: Database, vault: Vault, budget: MessageBudget, resources: ExitStack
) -> NotificationService:
    mail_sender: MailSender = UnconfiguredSender("SMTP_URL")
    sms_sender: SmsSender = UnconfiguredSender("SMS_URL")
    if settings.smtp_url:
        host = urlsplit(settings.public_url).hostname or "localhost"
        smtp = SmtpMailSender(
            settings.smtp_url, settings.mail_from, host, settings.mail_reply_to, ca_file=settings.smtp_ca_file
        )
        mail_sender = resources.enter_context(closing(smtp))
    if settings.sms_url:
        sms_sender = resources.enter_context(closing(HttpSmsSender(settings.sms_url, settings.sms_from)))
    links = ShopLinks(settings.shop_order_url, settings.shop_reset_url, settings.shop_verify_url)
    templates = Templates(settings.shop_name, links, replies=bool(settings.mail_reply_to))
    service = NotificationService(database, vault, mail_sender, sms_sender, templates, budget)
    return resources.enter_context(closing(service))
