"""A unique recipient address and an SMTP session."""

import smtplib
from collections.abc import Iterator

import pytest

from sandbox.standins.running import StandIns
from tests.sandbox.standins.clients import new_key


@pytest.fixture
def address() -> str:
    return f"{new_key()}@example.com"


@pytest.fixture
def smtp(stand_ins: StandIns) -> Iterator[smtplib.SMTP]:
    with smtplib.SMTP("127.0.0.1", stand_ins.smtp_port, timeout=5) as session:
        yield session
