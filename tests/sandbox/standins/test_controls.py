"""The ledger operation of the sandbox."""

from sandbox.process import wait_until
from tests.sandbox.standins.clients import TIMEOUT, Shop, body_of, new_key


def test_ledger_without_reference_lists_all_payments_oldest_first(shop: Shop) -> None:
    ids = [shop.pay()["id"] for _ in range(2)]

    assert [item["paymentId"] for item in shop.stand_ins.ledger()][-2:] == ids


def test_ledger_item_has_method_amount_and_refunds(shop: Shop) -> None:
    reference = new_key()
    payment = shop.pay(metadata={"reference": reference}, amount={"value": "500", "currency": "JPY"})
    body = {"payment_id": payment["id"], "amount": {"value": "200", "currency": "JPY"}}
    refund = body_of(shop.client.post("/refunds", json=body, headers={"Idempotence-Key": new_key()}))

    assert wait_until(lambda: bool(shop.stand_ins.ledger(reference)[0]["refunds"]), TIMEOUT)
    assert shop.stand_ins.ledger(reference) == [
        {
            "paymentId": payment["id"],
            "reference": reference,
            "method": "card",
            "amount": "500",
            "currency": "JPY",
            "status": "succeeded",
            "captures": 1,
            "refunds": [{"refundId": refund["id"], "amount": "200", "status": "succeeded"}],
            "createdAt": payment["created_at"],
        }
    ]
