"""Rules for settings in every environment: forms, ranges and contradictions; no message contains a value."""

from __future__ import annotations

import ipaddress
import re
import ssl
import unicodedata
from collections.abc import Callable, Iterator
from email.utils import getaddresses
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlsplit

import phonenumbers
import psycopg
from psycopg.conninfo import conninfo_to_dict

from services.return_urls import origin_of, read_origins
from services.secrets import webhook_keys

if TYPE_CHECKING:
    from services.settings import Settings

T = TypeVar("T")

SERVICES = ("identity", "catalog", "orders", "reservations", "payments", "notifications", "webhooks")

_WEB = ("public_url", "runbook_url", "temporal_ui_url", "payment_gateway_url", "sms_url", "otel_exporter_otlp_endpoint")
_DATABASES = ("database_url", "database_listen_url")
_CERTIFICATES = ("temporal_tls_server_ca_cert", "temporal_tls_client_cert", "temporal_tls_client_key")
#: Networks, and what a network as large as the Internet would mean.
_NETWORKS = {
    "payment_webhook_sources": "every client could then forge its address",
    "trusted_proxies": "every client could then forge its address",
    "trace_sources": "every client could then choose its trace",
    "webhook_allow_networks": "webhooks could then be sent to every private address",
}
_TEXTS = (
    "shop_name",
    "mail_from",
    "mail_reply_to",
    "sms_from",
    "temporal_namespace",
    "temporal_tls_server_name",
    "worker_build_id",
    "otel_service_name",
    "api_host",
    "metrics_host",
)
#: Pages of the shop: the setting, what is replaced in it, and an example.
_PAGES = (
    ("shop_return_url", "{orderId}", "/orders/{orderId}"),
    ("shop_order_url", "{orderId}", "/orders/{orderId}"),
    ("shop_reset_url", "{token}", "/reset?token={token}"),
    ("shop_verify_url", "{code}", "/verify?code={code}"),
)
# Without it the link is of no use.
_FILLED = ("shop_order_url", "shop_reset_url")
# Shortest prefixes of networks that are not private: no proxy and no provider has a larger one.
_MIN_PREFIX = {4: 8, 6: 16}
# What every mail server takes as a sender: ASCII, unquoted (RFC 5321, section 4.1.2).
_ADDRESS = re.compile(r"[a-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[a-z0-9-]+(\.[a-z0-9-]+)*", re.IGNORECASE | re.ASCII)
_MAX_PORT = 65_535
_HOST_AND_PORT = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^\s:/@\[\]]+):[0-9]{1,5}", re.ASCII)


def errors(settings: Settings) -> Iterator[str]:
    """What is wrong, one message each."""
    if settings.hold_seconds <= settings.payment_window:
        yield "HOLD_SECONDS must be longer than PAYMENT_WINDOW: goods are held until the payment window has ended"
    yield from _addresses(settings)
    yield from _networks(settings)
    yield from _senders(settings)
    yield from _pages(settings)
    if not _readable(read_origins, settings.shop_origins):
        yield "SHOP_ORIGINS takes origins separated by comma, e.g. https://shop.example.com"
    if not _readable(read_origins, settings.cors_origins):
        yield "CORS_ORIGINS takes origins separated by comma, e.g. https://shop.example.com"
    elif not all(map(is_encrypted, settings.cors_origin_set)):
        yield "CORS_ORIGINS takes https origins, and loopback addresses in development"
    if settings.phone_region not in phonenumbers.SUPPORTED_REGIONS:
        yield "PHONE_REGION must be the ISO 3166-1 code of a country with telephone numbers, such as RU"
    if settings.payment_webhook_secrets and not _readable(webhook_keys, settings.payment_webhook_secrets):
        yield "PAYMENT_WEBHOOK_SECRETS takes secrets like whsec_<base64>, several by comma"
    if not {name.strip() for name in settings.api_services.split(",")} <= {*SERVICES, ""}:
        yield f"API_SERVICES takes {', '.join(SERVICES)}"


def is_encrypted(address: str) -> bool:
    """True for the URL of an https or of a loopback address."""
    parts = urlsplit(address)
    return bool(parts.hostname) and (
        parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname))
    )


def is_loopback(host: str | None) -> bool:
    """True for `localhost` and for an IP address of this machine."""
    try:
        return host == "localhost" or ipaddress.ip_address((host or "").strip("[]")).is_loopback
    except ValueError:
        return False


def _addresses(settings: Settings) -> Iterator[str]:
    for name in _DATABASES:
        address = getattr(settings, name)
        if address and not address.startswith("postgresql://"):
            yield f"{name.upper()} must begin with postgresql://"
        elif address and not _is_conninfo(address):
            yield f"{name.upper()} is not a valid URL: write @ : / in its password as %40 %3A %2F"
    for name in (*_WEB, "smtp_url"):
        if not _has_port(getattr(settings, name) or ""):
            yield f"{name.upper()} is not a valid URL: write @ : / in its password as %40 %3A %2F"
        elif name != "smtp_url" and not _is_web_address(getattr(settings, name)):
            yield f"{name.upper()} must be a URL that begins with https:// or http://"
    if not _HOST_AND_PORT.fullmatch(settings.temporal_address):
        yield "TEMPORAL_ADDRESS must be host:port"
    if settings.smtp_ca_file and not _readable(_authorities, settings.smtp_ca_file):
        yield "SMTP_CA_FILE cannot be read, or has no certificate in PEM form"
    yield from _certificates(settings)


def _certificates(settings: Settings) -> Iterator[str]:
    if settings.temporal_config_file and not _readable(Path.read_bytes, settings.temporal_config_file):
        yield "TEMPORAL_CONFIG_FILE cannot be read"
    given = set()
    for name in _CERTIFICATES:
        path, text = getattr(settings, f"{name}_path"), getattr(settings, f"{name}_data")
        if path and text:
            yield f"{name.upper()}_PATH and _DATA are both set"
        elif path and not _readable(Path.read_bytes, path):
            yield f"{name.upper()}_PATH cannot be read"
        elif path or text:
            given.add(name)
            if b"-----BEGIN " not in (path.read_bytes() if path else text.encode()):
                yield f"{name.upper()}_{'PATH' if path else 'DATA'} has nothing in PEM form"
    if len(given & {*_CERTIFICATES[1:]}) == 1:
        yield "TEMPORAL_TLS_CLIENT_CERT_… and TEMPORAL_TLS_CLIENT_KEY_… belong together: set both"


def _networks(settings: Settings) -> Iterator[str]:
    for name, meaning in _NETWORKS.items():
        given = [each.strip() for each in getattr(settings, name).split(",") if each.strip()]
        try:
            networks = [ipaddress.ip_network(each) for each in given]
        except ValueError:
            yield f"{name.upper()} takes networks separated by comma, e.g. 203.0.113.0/24"
            continue
        if any(not each.is_private and each.prefixlen < _MIN_PREFIX[each.version] for each in networks):
            yield f"{name.upper()} has a network as large as the Internet: {meaning}"


def _senders(settings: Settings) -> Iterator[str]:
    for name in _TEXTS:
        text = getattr(settings, name)
        if text is not None and (not text.strip() or any(unicodedata.category(char)[0] == "C" for char in text)):
            yield f"{name.upper()} is blank, or has a control character"
    # A comma that is not quoted makes two addresses.
    for name in ("mail_from", "mail_reply_to"):
        given = getattr(settings, name)
        found = getaddresses([given or ""])
        if given is None or (len(found) == 1 and _ADDRESS.fullmatch(found[0][1])):
            continue
        yield (
            f'{name.upper()} must be one address in ASCII, such as "Shop, Inc." <orders@shop.example>: quote a name'
            " with a comma, and write an international domain as xn--…"
        )


def _pages(settings: Settings) -> Iterator[str]:
    for name, placeholder, example in _PAGES:
        page = getattr(settings, name)
        if page and not _readable(partial(origin_of, placeholder=placeholder), page):
            yield f"{name.upper()} must be a URL, e.g. https://shop.example.com{example}"
        elif page and name in _FILLED and placeholder not in page:
            yield f"{name.upper()} must have {placeholder}, e.g. https://shop.example.com{example}"


def _is_conninfo(address: str) -> bool:
    # libpq's own reading: a URL may have several hosts, each with a port.
    try:
        ports = str(conninfo_to_dict(address).get("port") or "")
    except psycopg.Error:
        return False
    return all(not port or (port.isdecimal() and 0 < int(port[:9]) <= _MAX_PORT) for port in ports.split(","))


def _has_port(address: str) -> bool:
    try:
        parts = urlsplit(address)
        return parts.port is None or parts.port > 0
    except ValueError:
        return False


def _is_web_address(address: str | None) -> bool:
    parts = urlsplit(address or "http://none")
    return parts.scheme in ("http", "https") and bool(parts.hostname)


def _authorities(path: Path) -> ssl.SSLContext:
    # An SSLError is an OSError.
    return ssl.create_default_context(cafile=path)


def _readable(read: Callable[[T], object], given: T) -> bool:
    try:
        read(given)
    except (ValueError, OSError):
        return False
    return True
