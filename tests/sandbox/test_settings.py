"""Settings of a stack are read from environment variables."""

from pathlib import Path

import pytest

from sandbox.errors import CannotStart
from sandbox.settings import StackSettings


@pytest.mark.parametrize(
    ("environ", "sentence"),
    [
        ({"API_PORT": "eighty"}, "API_PORT=eighty is not a port: use a number from 1 to 65535."),
        ({"SMTP_PORT": "70000"}, "SMTP_PORT=70000 is not a port: use a number from 1 to 65535."),
        ({"SMTP_PORT": "8000"}, "API_PORT and SMTP_PORT are both 8000: choose different ports."),
    ],
)
def test_invalid_ports_are_reported(environ: dict[str, str], sentence: str) -> None:
    with pytest.raises(CannotStart) as refused:
        StackSettings.from_environment(environ)
    assert str(refused.value) == sentence


def test_empty_variables_count_as_unset() -> None:
    environ = {"API_PORT": "", "DATABASE_URL": "", "TEMPORAL_ADDRESS": "", "DATA_DIR": ""}
    assert StackSettings.from_environment(environ) == StackSettings(Path(".data"))
