"""Orders while packets to and from Temporal are lost, in a network namespace of its own (FAULTS F19).

`test_packet_loss.py` runs it; by hand (needs root and Debian's `nftables`):
`unshare --net --kill-child .venv/bin/python -m tests.journeys.packet_loss FOLDER`. It prints a JSON object.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from sandbox.settings import StackSettings
from tests.journeys.conftest import running
from tests.journeys.shop import CHEAP_PASSWORDS, Shop

#: Of ten packets in each direction, how many are lost.
LOST = 3
#: How each order is paid, and how it ends.
CARDS = {"tok_succeeds": "confirmed", "tok_succeeds_1": "confirmed", "tok_declines": "cancelled"}


def main(folder: Path) -> None:
    """Run a shop whose data is in the folder, and place orders."""
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    settings = StackSettings.for_tests(folder)
    with running(replace(settings, separate=True, env=CHEAP_PASSWORDS)) as shop:
        customer, product = shop.customer(), shop.product()
        lose_packets(int(shop.stack.addresses.temporal.rpartition(":")[2]))
        orders = [customer.place(product, card=card) for card in CARDS]
        ends = [customer.wait_for_end(order_id)["status"] for order_id in orders]
        captures = [sum(charge["captures"] for charge in shop.ledger(customer.order(one))) for one in orders]
        lost = lost_packets()
        subprocess.run(["nft", "delete", "table", "inet", "market"], check=True)
        sys.stdout.write(json.dumps(result(shop, product, ends, captures, lost)) + "\n")


def result(shop: Shop, product: str, ends: list[str], captures: list[int], lost: int) -> dict[str, Any]:
    """What became of the orders, and what differs between tables, ledger and inbox."""
    return {
        "ends": ends,
        "captures": captures,
        "stock": shop.stock(product),
        "lost": lost,
        "violations": shop.violations(),
    }


def lose_packets(port: int) -> None:
    """Drop packets to and from a port at random; TCP sends them again, later each time."""
    drop = f"numgen random mod 10 < {LOST} counter drop"
    rules = f"tcp dport {port} {drop}\n tcp sport {port} {drop}\n"
    ruleset = f"table inet market {{ chain input {{ type filter hook input priority 0; {rules} }}; }}"
    subprocess.run(["nft", "--file", "-"], input=ruleset, check=True, text=True)


def lost_packets() -> int:
    """How many packets were dropped."""
    listed = subprocess.run(
        ["nft", "--json", "list", "table", "inet", "market"], check=True, capture_output=True, text=True
    )
    rules = [item["rule"]["expr"] for item in json.loads(listed.stdout)["nftables"] if "rule" in item]
    return sum(part["counter"]["packets"] for rule in rules for part in rule if "counter" in part)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
