"""Signatures of Standard Webhooks, verified by the specification's own library."""

from __future__ import annotations

import base64
import time

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from services.secrets import webhook_keys
from services.standard_webhooks import new_secret, signed_headers

BODY = b'{"type":"order.paid"}'


def test_the_official_library_verifies_either_secret_of_a_rotation() -> None:
    old, new = new_secret(), new_secret()
    headers = dict(signed_headers([webhook_keys(each)[0] for each in (new, old)], "msg_1", int(time.time()), BODY))
    assert headers["webhook-signature"].count("v1,") == 2
    for secret in (old, new):
        assert Webhook(secret).verify(BODY, headers) == {"type": "order.paid"}
    with pytest.raises(WebhookVerificationError):
        Webhook(new_secret()).verify(BODY, headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(new).verify(BODY + b" ", headers)


def test_a_secret_is_random_and_has_the_length_that_the_specification_asks_for() -> None:
    first, second = new_secret(), new_secret()
    assert first != second
    assert 24 <= len(base64.b64decode(first.removeprefix("whsec_"))) <= 64
