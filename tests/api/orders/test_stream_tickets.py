"""Tickets of event streams, which a browser's EventSource sends in the place of an access token."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from uuid import UUID, uuid4

import httpx2
import pytest

from services.bootstrap import Services
from services.identity.refresh_tokens import hash_token
from services.identity.retention_repository import TICKET_DAYS
from services.identity.views import CallerKind
from tests.api.event_streams import frames
from tests.api.every_operation import but_for_the_occurrence
from tests.api.people import PASSWORD, Person, a_buyer, an_operators_account
from tests.api.serving import Served, serving
from tests.api.shop import ORDERS, confirm, pay, placed, reserve

#: As an EventSource sends it.
EVENT_SOURCE = {"Accept": "text/event-stream"}


async def a_ticket(client: httpx2.AsyncClient, buyer: Person, order_id: UUID) -> str:
    answer = await client.post(f"{ORDERS}/{order_id}/events/ticket", headers=buyer.headers)
    assert (answer.status_code, answer.json()["expiresIn"]) == (201, 60)
    return str(answer.json()["ticket"])


@asynccontextmanager
async def event_source(
    client: httpx2.AsyncClient, order_id: UUID, ticket: str, **query: int
) -> AsyncIterator[httpx2.Response]:
    params: dict[str, str | int] = {"ticket": ticket, **query}
    async with client.stream("GET", f"{ORDERS}/{order_id}/events", params=params, headers=EVENT_SOURCE) as response:
        yield response


async def status(client: httpx2.AsyncClient, order_id: UUID, ticket: str) -> int:
    async with event_source(client, order_id, ticket) as response:
        return response.status_code


async def test_a_ticket_opens_a_stream_and_a_new_one_resumes_it(
    served: Served, buyer: Person, services: Services
) -> None:
    order_id = await placed(served.client, buyer, services, card="tok_succeeds")
    async with event_source(served.client, order_id, await a_ticket(served.client, buyer, order_id)) as response:
        seen = frames(response)
        first = await anext(seen)
        await asyncio.to_thread(reserve, services, order_id)
        reserved = await anext(seen)
    await asyncio.to_thread(pay, services, order_id)
    await asyncio.to_thread(confirm, services, order_id)
    assert reserved.id is not None
    ticket = await a_ticket(served.client, buyer, order_id)
    async with event_source(served.client, order_id, ticket, lastEventId=reserved.id) as response:
        rest = [frame async for frame in frames(response)]

    assert (first.name, first.data["status"], reserved.data["type"]) == ("state", "created", "reserved")
    assert [frame.name or frame.data["type"] for frame in rest] == ["state", "payment_pending", "paid", "confirmed"]


async def test_T211_a_ticket_is_used_once_by_any_process(served: Served, buyer: Person, services: Services) -> None:
    order_id = await placed(served.client, buyer, services)
    ticket = await a_ticket(served.client, buyer, order_id)
    async with serving(services) as second:
        clients = [served.client, second.client] * 10
        seen = await asyncio.gather(*(status(client, order_id, ticket) for client in clients))

    assert (seen.count(200), seen.count(401)) == (1, 19)
    assert services.database.fetch_value("SELECT count(*) FROM identity.stream_tickets") == 0


Spoiling = Callable[[Services, Person, str], object]
SPOILED: dict[str, Spoiling] = {
    "expired": lambda services, _, __: services.database.execute(
        "UPDATE identity.stream_tickets SET expires_at = expires_at - interval '61 seconds'"
    ),
    "session ended": lambda services, buyer, _: services.sign_in.end_session(
        _id(buyer), services.sign_in.sessions(_id(buyer), None)[0].id
    ),
    "account disabled": lambda services, buyer, _: services.identity.set_active(_id(buyer), False),
    "session deleted": lambda services, _, __: services.database.execute("DELETE FROM identity.sessions"),
}


def _id(buyer: Person) -> UUID:
    assert buyer.id is not None
    return buyer.id


@pytest.mark.parametrize("spoil", SPOILED.values(), ids=SPOILED)
async def test_T211_a_ticket_that_is_not_valid_any_more(
    api: httpx2.AsyncClient, buyer: Person, services: Services, spoil: Spoiling
) -> None:
    order_id = await placed(api, buyer, services)
    ticket = await a_ticket(api, buyer, order_id)
    spoil(services, buyer, ticket)

    async with asyncio.timeout(10):  # a stream would not end
        spoiled = await api.get(f"{ORDERS}/{order_id}/events", params={"ticket": ticket}, headers=EVENT_SOURCE)
    without = await api.get(f"{ORDERS}/{order_id}/events", headers=EVENT_SOURCE)

    assert spoiled.status_code == 401
    assert but_for_the_occurrence(spoiled) == but_for_the_occurrence(without)


async def test_T211_a_ticket_is_for_its_order_only(api: httpx2.AsyncClient, buyer: Person, services: Services) -> None:
    mine, also_mine = await placed(api, buyer, services), await placed(api, buyer, services)
    ticket = await a_ticket(api, buyer, mine)
    paths = [f"{ORDERS}/{also_mine}/events", f"{ORDERS}/{uuid4()}/events", f"{ORDERS}/x/events"]
    async with asyncio.timeout(10):  # a stream would not end
        answers = [await api.get(path, params={"ticket": ticket}, headers=EVENT_SOURCE) for path in paths]
    others = [
        await api.get(f"{ORDERS}/{mine}", params={"ticket": ticket}),
        await api.get(f"{ORDERS}/me", params={"ticket": ticket}),
        await api.post(f"{ORDERS}/{mine}/cancel", params={"ticket": ticket}),
        await api.get(f"{ORDERS}/{mine}/events", headers={"Authorization": f"Bearer {ticket}"}),
        await api.get(f"{ORDERS}/{mine}/events", params={"ticket": ""}, headers=EVENT_SOURCE),
        await api.get(f"{ORDERS}/{mine}/events", params={"ticket": "x" * 5000}, headers=EVENT_SOURCE),
    ]

    assert {answer.status_code for answer in answers + others} == {401}
    # None of these has used it up.
    assert services.stream_tickets.redeem(ticket, mine)[0].user_id == buyer.id


async def test_T211_who_gets_a_ticket(
    api: httpx2.AsyncClient, buyer: Person, other: Person, operator: Person, services: Services
) -> None:
    order_id = await placed(api, buyer, services)
    path = f"{ORDERS}/{order_id}/events/ticket"
    answers = [await api.post(path, headers=person.headers) for person in (buyer, other, operator)]
    answers.append(await api.post(path))

    assert [answer.status_code for answer in answers] == [201, 404, 403, 401]


async def test_T166_a_ticket_gives_what_its_session_may(api: httpx2.AsyncClient, services: Services) -> None:
    """An operator who signed in without a second factor is a buyer in the stream too."""
    operator = an_operators_account(services)
    services.operators.reset_second_factor(_id(operator))
    tokens = services.sign_in.login(operator.email, None, PASSWORD)
    without_factor = Person(tokens.access_token, operator.id, operator.email)
    order_id = await placed(api, without_factor, services)

    caller, token = services.stream_tickets.redeem(await a_ticket(api, without_factor, order_id), order_id)

    assert caller == services.sign_in.authenticate(without_factor.token)
    assert (caller.kind, services.sign_in.authenticate(token)) == (CallerKind.BUYER, caller)


async def test_a_ticket_of_an_operators_session_gives_an_operators_view(
    api: httpx2.AsyncClient, buyer: Person, services: Services
) -> None:
    order_id = await placed(api, buyer, services)
    operator = an_operators_account(services)

    by_ticket = services.stream_tickets.redeem(await a_ticket(api, operator, order_id), order_id)[0]

    assert by_ticket == services.sign_in.authenticate(operator.token)
    assert by_ticket.kind is CallerKind.OPERATOR


async def test_T212_the_stream_of_a_ticket_ends_with_its_session(
    served: Served, buyer: Person, services: Services
) -> None:
    order_id = await placed(served.client, buyer, services)
    ticket = await a_ticket(served.client, buyer, order_id)
    async with event_source(served.client, order_id, ticket) as response:
        seen = frames(response)
        await anext(seen)
        await asyncio.to_thread(SPOILED["session ended"], services, buyer, ticket)
        async with asyncio.timeout(3):
            assert [frame async for frame in seen] == []


async def test_T212_a_ticket_is_nowhere_but_in_the_answer(
    served: Served, buyer: Person, services: Services, capfd: pytest.CaptureFixture[str]
) -> None:
    order_id = await placed(served.client, buyer, services)
    ticket = await a_ticket(served.client, buyer, order_id)
    rows = services.database.fetch_all("SELECT * FROM identity.stream_tickets")
    assert await status(served.client, order_id, ticket) == 200
    refused = await served.client.get(f"{ORDERS}/{order_id}/events", params={"ticket": ticket}, headers=EVENT_SOURCE)
    await served.raw(f"GET {ORDERS}/{order_id}/events?ticket={ticket} HTTP/1.1\r\n\r\n".encode())

    logged = capfd.readouterr()
    assert [row.hash for row in rows] == [hash_token(ticket)]
    assert ticket not in json.dumps(refused.json()) + str(refused.headers) + logged.out + logged.err
    assert ticket not in (await served.client.get("/metrics")).text
    assert ticket not in repr(services.stream_tickets.issue(_session(services, buyer), order_id))


async def test_T212_unused_tickets_are_deleted(api: httpx2.AsyncClient, buyer: Person, services: Services) -> None:
    order_id = await placed(api, buyer, services)
    late = a_buyer(services)
    await a_ticket(api, late, await placed(api, late, services))
    for _ in range(3):
        await a_ticket(api, buyer, order_id)
    count = "SELECT count(*) FROM identity.stream_tickets"
    SPOILED["expired"](services, buyer, "")
    await a_ticket(api, buyer, order_id)
    assert services.database.fetch_value(count) == 2  # the new one, and that of the other session

    services.database.execute(
        f"UPDATE identity.stream_tickets SET expires_at = expires_at - interval '{TICKET_DAYS} days'"  # noqa: S608 - a constant
    )
    assert services.identity_retention.delete_stream_tickets(10) == 1
    assert services.database.fetch_value(count) == 1


def _session(services: Services, buyer: Person) -> UUID:
    return services.sign_in.sessions(_id(buyer), None)[0].id


async def test_with_an_access_token_a_ticket_does_not_make_a_stream(
    served: Served, buyer: Person, services: Services
) -> None:
    order_id = await placed(served.client, buyer, services)
    answer = await served.client.get(f"{ORDERS}/{order_id}/events", params={"ticket": "any"}, headers=buyer.headers)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
