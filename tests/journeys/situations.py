"""The situations of the runbook: each makes one, and gives the words that stand for its order and account."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Any
from uuid import UUID

from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.workflowservice.v1 import DeleteWorkflowExecutionRequest, SetWorkerDeploymentCurrentVersionRequest

from services import db
from services.order_number import order_number
from services.orders.status import NO_WORKER, WORKFLOW_FAILING
from services.orders.transitions import OrderTransitions
from services.secrets import Vault
from tests.builders import KEY
from tests.journeys.customers import Customer
from tests.journeys.locks import holding
from tests.journeys.shop import Shop, address_of
from tests.journeys.waiting import until
from tests.old_orders import make_old, with_old_id
from workflows.builds import DEPLOYMENT, Builds
from workflows.order_runs import OrderRuns, RunProgress

Words = Mapping[str, str]
Situation = Callable[[Shop], AbstractContextManager[Words]]

_STOCK = "SELECT 1 FROM reservations.stocks WHERE product_id = %(id)s FOR UPDATE"
_VERIFIED = (
    "UPDATE identity.users SET email_verified = email IS NOT NULL, phone_verified = phone IS NOT NULL WHERE id = %(id)s"
)
_OLDER = "UPDATE orders.orders SET updated_at = updated_at - interval '1 minute' WHERE id = %(id)s"


@contextmanager
def confirmed(shop: Shop) -> Iterator[Words]:
    """An order that was paid and confirmed."""
    customer = shop.customer()
    order_id = customer.place(shop.product(), card=shop.paying("card", "succeeds"))
    customer.wait_for_status(order_id, "confirmed")
    yield _words(shop, customer, order_id)


@contextmanager
def archivable(shop: Shop) -> Iterator[Words]:
    """A confirmed order to which nothing has happened for a year."""
    with confirmed(shop) as words, _database(shop) as database:
        old = with_old_id(database, UUID(words["ORDER"]))
        make_old(database, [old])
        yield {**words, "ORDER": str(old), "NUMBER": order_number(str(old))}


@contextmanager
def verified(shop: Shop) -> Iterator[Words]:
    """A confirmed order of an account that has verified its identifiers."""
    with confirmed(shop) as words:
        _execute(shop, _VERIFIED, id=words["BUYER"])
        yield words


@contextmanager
def reserved(shop: Shop) -> Iterator[Words]:
    """An order that waits for a payment method; cancelled after the commands, however often its workflow ran."""
    customer = shop.customer()
    order_id = customer.place(shop.product())
    customer.wait_for_status(order_id, "reserved")
    yield _words(shop, customer, order_id)
    customer.step(order_id, "cancel")
    customer.wait_for_status(order_id, "cancelled")


@contextmanager
def several(shop: Shop) -> Iterator[Words]:
    """Two open orders of one buyer, which the list of workflows shows."""
    customer = shop.customer()
    placed = [customer.place(shop.product()) for _ in range(2)]
    for order_id in placed:
        customer.wait_for_status(order_id, "reserved")
    words = _words(shop, customer, placed[0])
    query = f"BuyerId='{words['BUYER']}' AND ExecutionStatus='Running'"
    until(lambda: asyncio.run(_count(shop, query)), lambda count: count == len(placed))
    yield words
    assert {customer.wait_for_end(order_id)["status"] for order_id in placed} == {"cancelled"}


@contextmanager
def stuck(shop: Shop) -> Iterator[Words]:
    """An order whose refund the provider declines, cancelled by its buyer before it was charged."""
    customer = shop.customer()
    order_id = customer.place(shop.product(), card="tok_refund_fails_2")
    customer.wait_for_status(order_id, "payment_pending")
    customer.step(order_id, "cancel")
    until(lambda: shop.rows("SELECT 1 FROM orders.orders WHERE id = %(id)s AND needs_attention", id=order_id))
    yield _words(shop, customer, order_id)


@contextmanager
def failing_step(shop: Shop) -> Iterator[Words]:
    """An order whose stock is locked by another transaction, which ends after the commands."""
    customer, product = shop.customer(), shop.product()
    with holding(shop, _STOCK, id=product):
        order_id = customer.place(product, card=shop.paying("card", "succeeds"))
        until(lambda: _progress(shop, order_id), lambda seen: any(step.failure for step in seen.steps))
        yield _words(shop, customer, order_id)
    customer.wait_for_status(order_id, "confirmed")


@contextmanager
def terminated(shop: Shop) -> Iterator[Words]:
    """An order whose workflow an operator terminated."""
    with reserved(shop) as words:
        asyncio.run(_terminate(shop, words["ORDER"]))
        yield words


@contextmanager
def one_worker(shop: Shop) -> Iterator[Words]:
    """An open order and the only worker; the last situation, because nothing is done after the commands."""
    customer = shop.customer()
    order_id = customer.place(shop.product())
    customer.wait_for_status(order_id, "reserved")
    yield {**_words(shop, customer, order_id), "WORKER": str(shop.stack.pid("workers"))}
    until(lambda: not shop.stack.component("workers").running)


@contextmanager
def forgotten(shop: Shop) -> Iterator[Words]:
    """An order that waits for the provider, and that Temporal has forgotten."""
    customer = shop.customer()
    order_id = customer.place(shop.product(), card="tok_answers_later_30")
    customer.wait_for_event(order_id, "payment_waiting")
    asyncio.run(_delete(shop, order_id))
    until(lambda: _read(shop, order_id) is None)
    _execute(shop, _OLDER, id=order_id)
    yield _words(shop, customer, order_id)


@contextmanager
def failing_code(shop: Shop) -> Iterator[Words]:
    """An order for which the job `watch-orders` has asked for a person; the job itself is tested with workflows."""
    with reserved(shop) as words, _transitions(shop) as transitions:
        transitions.raise_attention(UUID(words["ORDER"]), WORKFLOW_FAILING)
        yield words
        transitions.clear_attention(UUID(words["ORDER"]), WORKFLOW_FAILING)


@contextmanager
def gone_build(shop: Shop) -> Iterator[Words]:
    """An order of a build whose worker was stopped, beside a worker of the build that is the current one.

    The job that finds it is tested with workflows. Afterwards the shop's own worker, which is not versioned, goes on.
    """
    with shop.another_worker(WORKER_BUILD_ID="new") as new:
        # The shop's own API starts orders in its own process.
        with shop.another_worker(WORKER_BUILD_ID="old"), shop.another_api() as api:
            _make_current(shop, "old")
            customer, order_id = _begun_on(shop, "old", address_of(api))
            customer.use_api(shop.stack.addresses.api)
            _make_current(shop, "new")
        with _transitions(shop) as transitions:
            transitions.raise_attention(UUID(order_id), NO_WORKER)
            yield {**_words(shop, customer, order_id), "BUILD": "new"}
            transitions.clear_attention(UUID(order_id), NO_WORKER)
        customer.step(order_id, "cancel")
        customer.wait_for_status(order_id, "cancelled")
        _make_current(shop, "")
        assert new.running


#: How each section of the runbook that has commands comes to be.
SITUATIONS: Mapping[str, Situation] = {
    "Find an order": confirmed,
    "An alert fires": confirmed,
    "Resolve a stuck step": stuck,
    "Retry a step": failing_step,
    "Cancel one order": reserved,
    "Cancel many orders": several,
    "Run steps again": reserved,
    "A workflow was terminated": terminated,
    "The database was restored": confirmed,
    "Temporal's store was lost": forgotten,
    "A bug in the code": failing_code,
    "No worker of an order's build": gone_build,
    "Archive old orders": archivable,
    "Close an account": confirmed,
    "Give an operator an account": verified,
    "Drain a worker": one_worker,
}


def _make_current(shop: Shop, build_id: str) -> None:
    """Send new orders to a build, an empty one being that of unversioned workers."""

    async def make() -> None:
        client = await shop.temporal()
        if build_id:
            await Builds(client).make_current(build_id, 30)
        else:
            await client.workflow_service.set_worker_deployment_current_version(
                SetWorkerDeploymentCurrentVersionRequest(
                    namespace=client.namespace, deployment_name=DEPLOYMENT, identity=client.identity
                )
            )

    asyncio.run(make())


def _begun_on(shop: Shop, build_id: str, api: str) -> tuple[Customer, str]:
    """An order that a build has begun; the task queue has the current version some moments after it was set."""

    async def build(order_id: str) -> list[Any]:
        described = await (await shop.workflow(order_id)).describe()
        return [*described.search_attributes.get("TemporalWorkerDeploymentVersion", [])]

    product = shop.product()

    def begin() -> tuple[Customer, str] | None:
        customer = shop.customer(api=api)
        order_id = customer.place(product)
        customer.wait_for_status(order_id, "reserved")
        if asyncio.run(build(order_id)) == [f"{DEPLOYMENT}:{build_id}"]:
            return customer, order_id
        customer.step(order_id, "cancel")
        shop.outcome(order_id)  # otherwise it may stay open on the build whose worker is stopped
        return None

    begun = until(begin)
    assert begun
    return begun


def _words(shop: Shop, customer: Customer, order_id: str) -> dict[str, str]:
    ((buyer,),) = shop.rows("SELECT buyer_id FROM orders.orders WHERE id = %(id)s", id=order_id)
    return {
        "NUMBER": order_number(order_id),
        "ORDER": order_id,
        "EMAIL": customer.address,
        "BUYER": str(buyer),
    }


def _progress(shop: Shop, order_id: str) -> RunProgress:
    # The workflow is started in the background, so that there may be none yet.
    progress = until(lambda: _read(shop, order_id))
    assert progress is not None
    return progress


def _read(shop: Shop, order_id: str) -> RunProgress | None:
    async def read() -> RunProgress | None:
        return await OrderRuns(await shop.temporal()).progress(UUID(order_id))

    return asyncio.run(read())


async def _count(shop: Shop, query: str) -> int:
    return (await (await shop.temporal()).count_workflows(query)).count


async def _terminate(shop: Shop, order_id: str) -> None:
    await (await shop.workflow(order_id)).terminate()


async def _delete(shop: Shop, order_id: str) -> None:
    execution = WorkflowExecution(workflow_id=f"order-{order_id}")
    client = await shop.temporal()
    request = DeleteWorkflowExecutionRequest(namespace=client.namespace, workflow_execution=execution)
    await client.workflow_service.delete_workflow_execution(request)


@contextmanager
def _database(shop: Shop) -> Iterator[db.Database]:
    database = db.connect(shop.stack.addresses.database, pool_size=1)
    try:
        yield database
    finally:
        database.close()


@contextmanager
def _transitions(shop: Shop) -> Iterator[OrderTransitions]:
    with _database(shop) as database:
        yield OrderTransitions(database, Vault(KEY))


def _execute(shop: Shop, statement: str, **values: Any) -> None:
    with _database(shop) as database:
        database.execute(statement, values)
