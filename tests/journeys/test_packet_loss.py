"""A network to Temporal that loses three packets of ten (FAULTS F19)."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from sandbox.layout import ROOT
from tests.journeys.packet_loss import CARDS
from tests.journeys.shop import STOCK

#: Seconds for the whole run; it needs a tenth of them.
LIMIT = 300.0


@pytest.mark.skipif(os.geteuid() != 0, reason="a network namespace needs root")
@pytest.mark.skipif(shutil.which("nft") is None, reason="nft is missing (Debian: nftables)")
def test_F19_orders_end_while_packets_to_and_from_temporal_are_lost(tmp_path: Path) -> None:
    """Every order ends as it would otherwise, and is charged once."""
    command = ["unshare", "--net", "--kill-child", sys.executable, "-m", "tests.journeys.packet_loss", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=LIMIT)
    if "Operation not permitted" in done.stderr and "unshare" in done.stderr:
        pytest.skip(f"no network namespace can be made here: {done.stderr.strip()}")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    sold = list(CARDS.values()).count("confirmed")
    assert found["ends"] == list(CARDS.values())
    assert found["captures"] == [int(end == "confirmed") for end in CARDS.values()]
    assert found["stock"] == [STOCK - sold, 0, sold]
    assert found["violations"] == []
    assert found["lost"] > 20
