"""Rules of the payment methods: the live provider's limits, and none in the sandbox."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Literal

import pytest

from services.money import MAX_MINOR
from services.payment_gateway import make_gateway
from services.payments.gateway import MethodRules
from services.payments.status import PaymentMethodType
from services.payments.yookassa.method_rules import any_amount_methods, live_methods
from services.settings import Settings

CARD, PHONE = PaymentMethodType.CARD, PaymentMethodType.PHONE


def test_the_live_provider_takes_roubles_and_limits_phones() -> None:
    rules = live_methods(card_term=60, phone_term=30)
    assert {rule.currencies for rule in rules.values()} == {frozenset({"RUB"})}
    assert (rules[CARD].term, rules[CARD].partial_refunds) == (60, True)
    assert (rules[PHONE].term, rules[PHONE].partial_refunds) == (30, False)
    assert (rules[PHONE].min_minor, rules[PHONE].max_minor) == (10_00, 15_000_00)


def test_the_stand_in_takes_any_amount_in_any_currency() -> None:
    assert any_amount_methods(60, 30) == {CARD: MethodRules(60), PHONE: MethodRules(30, partial_refunds=False)}


@pytest.mark.parametrize(("limits", "highest"), [(None, MAX_MINOR), ("live", 15_000_00)])
def test_T174_the_sandbox_applies_the_live_table_when_configured(
    tmp_path: Path, limits: Literal["live"] | None, highest: int
) -> None:
    settings = Settings(app_env="development", data_dir=tmp_path, payment_limits=limits)
    with closing(make_gateway(settings)) as gateway:
        assert gateway.methods[PHONE].max_minor == highest


def test_T176_receipts_limit_the_lines_of_an_order(tmp_path: Path) -> None:
    settings = Settings(app_env="development", data_dir=tmp_path, payment_receipts="on")
    with closing(make_gateway(settings)) as gateway:
        assert {rules.max_lines for rules in gateway.methods.values()} == {80}
