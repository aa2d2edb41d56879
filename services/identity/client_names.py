"""Names clients in messages and lists of sessions: known browsers and systems, never a text that was sent (T134)."""

from __future__ import annotations

UNKNOWN = "unknown client"

# The first one that a user agent contains is its name: most browsers also name those that they are compatible with.
_PROGRAMS = (
    ("YaBrowser", "Yandex Browser"),
    ("Edg", "Edge"),
    ("OPR", "Opera"),
    ("Opera", "Opera"),
    ("SamsungBrowser", "Samsung Internet"),
    ("MiuiBrowser", "Mi Browser"),
    ("UCBrowser", "UC Browser"),
    ("Vivaldi", "Vivaldi"),
    ("FxiOS", "Firefox"),
    ("Firefox", "Firefox"),
    ("CriOS", "Chrome"),
    ("Chrome", "Chrome"),
    ("Trident", "Internet Explorer"),
    ("MSIE", "Internet Explorer"),
    ("Safari", "Safari"),
    ("curl", "curl"),
)
_SYSTEMS = (
    ("iPhone", "iOS"),
    ("iPad", "iPadOS"),
    ("Android", "Android"),
    ("CrOS", "ChromeOS"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
)


def client_name(user_agent: str | None) -> str:
    """`Firefox on Linux`, `curl`, or `unknown client`."""
    program = _first(_PROGRAMS, user_agent or "")
    if program is None:
        return UNKNOWN
    system = _first(_SYSTEMS, user_agent or "")
    return f"{program} on {system}" if system else program


def _first(table: tuple[tuple[str, str], ...], user_agent: str) -> str | None:
    return next((name for mark, name in table if mark in user_agent), None)
