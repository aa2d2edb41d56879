"""The SMS gateway implements Twilio's Messages resource and stores each SMS in the inbox."""

import pytest

from sandbox.standins.running import StandIns
from tests.sandbox.standins.senders import send_sms


def test_sms_gets_twilios_response_and_is_stored_with_its_idempotency_key(stand_ins: StandIns) -> None:
    phone = "+79161234567"
    answer = send_sms(stand_ins, {"To": phone, "From": "Shop", "Body": "Код 482913"}, {"Idempotency-Key": "notify:1"})
    kept = stand_ins.inbox(to=phone, channel="sms")[-1]

    assert (answer.status_code, answer.json()["status"], answer.json()["to"]) == (201, "queued", phone)
    assert answer.json()["sid"].startswith("SM")
    assert (kept["text"], kept["subject"], kept["html"]) == ("Код 482913", None, None)
    assert kept["headers"]["Idempotency-Key"] == "notify:1"


@pytest.mark.parametrize(
    ("form", "code"),
    [
        ({"To": "+7900", "From": "Shop", "Body": "x"}, 21211),
        ({"To": "nobody", "From": "Shop", "Body": "x"}, 21211),
        ({"From": "Shop", "Body": "x"}, 21604),
        ({"To": "+79161234567", "Body": "x"}, 21603),
        ({"To": "+79161234567", "From": "Shop"}, 21602),
    ],
)
def test_invalid_sms_gets_twilios_error(stand_ins: StandIns, form: dict[str, str], code: int) -> None:
    answer = send_sms(stand_ins, form)

    assert (answer.status_code, answer.json()["code"], answer.json()["status"]) == (400, code, 400)
