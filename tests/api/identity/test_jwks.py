"""The public keys over HTTP, keys that are rotated, and every token that nobody issued."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx2
import jwt
import pytest

from api.app import create_app
from services.bootstrap import Services, open_services
from services.identity.signing_keys import SigningKeys
from tests.api.people import Person, a_buyer
from tests.fakes.gateway import FakeGateway
from tests.services.identity.forged_tokens import FORGED

ME = "/api/v1/users/me"
KEY_SET = "/.well-known/jwks.json"


@asynccontextmanager
async def signed_by(services: Services, *keys: SigningKeys) -> AsyncIterator[tuple[Services, httpx2.AsyncClient]]:
    """The api with these keys in SIGNING_KEY."""
    settings = services.settings.model_copy(update={"signing_key": "".join(key.pem() for key in keys)})
    with open_services(settings, database=services.database, gateway=FakeGateway()) as own:
        transport = httpx2.ASGITransport(create_app(own))
        async with httpx2.AsyncClient(transport=transport, base_url="http://market") as client:
            yield own, client


async def test_anybody_can_check_a_token_by_the_key_set(
    api: httpx2.AsyncClient, services: Services, buyer: Person
) -> None:
    answer = await api.get(KEY_SET)

    assert answer.headers.get_list("cache-control") == ["public, max-age=300"]
    [key] = answer.json()["keys"]
    assert key.keys() == {"kty", "crv", "use", "alg", "kid", "x"}
    assert (key["kty"], key["crv"], key["use"], key["alg"]) == ("OKP", "Ed25519", "sig", "EdDSA")
    assert key["kid"] == jwt.get_unverified_header(buyer.token)["kid"]
    claims = jwt.decode(buyer.token, jwt.PyJWK(key), algorithms=["EdDSA"], audience="market")
    assert claims["sub"] == str(buyer.id)


async def test_F73_old_tokens_are_taken_until_their_key_is_retired(services: Services) -> None:
    old, new = SigningKeys.generate(), SigningKeys.generate()
    async with signed_by(services, old) as (before, client):
        person = a_buyer(before)
        assert (await client.get(ME, headers=person.headers)).status_code == 200
    async with signed_by(services, new, old) as (during, client):
        assert [key["kid"] for key in (await client.get(KEY_SET)).json()["keys"]] == [new.kid, old.kid]
        assert (await client.get(ME, headers=person.headers)).status_code == 200
        fresh = a_buyer(during)
        assert jwt.get_unverified_header(fresh.token)["kid"] == new.kid
    async with signed_by(services, new) as (_, client):
        assert (await client.get(ME, headers=person.headers)).status_code == 401
        assert (await client.get(ME, headers=fresh.headers)).status_code == 200


async def test_T112_one_answer_for_every_forged_token(services: Services) -> None:
    keys = SigningKeys.generate()
    async with signed_by(services, keys) as (own, client):
        person = a_buyer(own)
        assert (await client.get(ME, headers=person.headers)).status_code == 200
        answers = {}
        for name, forge in FORGED.items():
            # A line end cannot be sent in a header.
            sent = forge(keys, person.token).replace("\n", "%0A")
            answers[name] = await client.get(ME, headers={"Authorization": f"Bearer {sent}"})
    assert len(answers) >= 25
    assert {name for name, answer in answers.items() if answer.status_code != 401} == set()
    bodies = [{**answer.json(), "traceId": ""} for answer in answers.values()]
    assert all(body == bodies[0] for body in bodies)
    assert {answer.headers["www-authenticate"] for answer in answers.values()} == {'Bearer realm="api"'}


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
async def test_the_key_set_is_only_read(api: httpx2.AsyncClient, method: str) -> None:
    assert (await api.request(method, KEY_SET)).status_code == 405
