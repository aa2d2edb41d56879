"""The list of test cards and phones."""

import phonenumbers

from sandbox.standins.provider.test_cards import Behaviour
from tests.sandbox.standins.clients import Shop


def test_every_behaviour_is_listed_and_the_first_of_each_method_succeeds(shop: Shop) -> None:
    scripts = shop.stand_ins.client.get(f"{shop.stand_ins.url}/scripts").json()
    cards = [script for script in scripts if script["method"] == "card"]
    phones = [script for script in scripts if script["method"] == "phone"]

    assert {script["behaviour"] for script in cards} == set(Behaviour)
    assert (cards[0]["behaviour"], phones[0]["behaviour"]) == ("succeeds", "succeeds")
    assert all(phonenumbers.is_valid_number(phonenumbers.parse(script["value"])) for script in phones)
    assert {script["behaviour"] for script in phones} == set(Behaviour) - {Behaviour.CONFIRMS_ON_PAGE}


def test_unknown_token_succeeds(shop: Shop) -> None:
    assert shop.pay("tok_of_a_stranger")["status"] == "succeeded"
