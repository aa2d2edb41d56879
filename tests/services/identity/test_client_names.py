"""Names of clients: known browsers and systems only."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.identity.client_names import _PROGRAMS, _SYSTEMS, UNKNOWN, client_name

_APPLE = "AppleWebKit/605.1.15 (KHTML, like Gecko)"
_CHROME = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/128.0.0.0"
_NAMES = {UNKNOWN} | {
    f"{program} on {system}" if system else program
    for _, program in _PROGRAMS
    for system in (None, *(name for _, name in _SYSTEMS))
}


@pytest.mark.parametrize(
    ("user_agent", "name"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0", "Firefox on Linux"),
        (f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {_CHROME} Safari/537.36", "Chrome on Windows"),
        (f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {_CHROME} Safari/537.36 Edg/128.0", "Edge on Windows"),
        (f"Mozilla/5.0 (Windows NT 10.0) {_CHROME} YaBrowser/24.7 Safari/537.36", "Yandex Browser on Windows"),
        (f"Mozilla/5.0 (Linux; Android 14; SM-G990B) {_CHROME} Mobile Safari/537.36", "Chrome on Android"),
        (f"Mozilla/5.0 (Macintosh; Intel Mac OS X 14_6) {_APPLE} Version/17.6 Safari/605.1.15", "Safari on macOS"),
        (f"Mozilla/5.0 (iPhone; CPU iPhone OS 17_6 like Mac OS X) {_APPLE} CriOS/128.0 Safari/604.1", "Chrome on iOS"),
        ("curl/8.9.1", "curl"),
        ("Firefox https://evil.example", "Firefox"),
        ("visit https://evil.example", UNKNOWN),
        ("", UNKNOWN),
        (None, UNKNOWN),
    ],
)
def test_a_client_is_named_by_its_browser_and_system(user_agent: str | None, name: str) -> None:
    assert client_name(user_agent) == name


@given(st.lists(st.sampled_from([mark for mark, _ in _PROGRAMS + _SYSTEMS]) | st.text(), max_size=6).map(" ".join))
def test_T134_no_text_of_the_caller_is_in_the_name(user_agent: str) -> None:
    assert client_name(user_agent) in _NAMES
