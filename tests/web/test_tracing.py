"""Settings of traces in the pages' process."""

from __future__ import annotations

import pytest

from web.settings import WebSettings


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("otel_exporter_otlp_endpoint", "there"),
        ("otel_service_name", " "),
        ("otel_traces_sampler", "sometimes"),
        ("otel_traces_sampler_arg", "1.5"),
    ],
)
def test_T160_a_wrong_setting_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name.upper(), value)
    with pytest.raises(ValueError, match=f"(?i){name}"):
        WebSettings(app_env="development")
