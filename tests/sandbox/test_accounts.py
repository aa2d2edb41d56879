"""Ready accounts of the sandbox; what can be done with them is tested with the pages."""

import os
import stat
import subprocess
import sys
from pathlib import Path

from sandbox.accounts import ACCOUNTS_FILE, BUYER, OPERATOR, ReadyAccounts
from sandbox.addresses import Addresses
from sandbox.datadir import DataDir
from sandbox.layout import ROOT


def test_T230_outside_development_none_is_made(tmp_path: Path) -> None:
    environment = {**os.environ, "APP_ENV": "production", "DATA_DIR": str(tmp_path)}
    argv = [sys.executable, "-m", "sandbox.accounts"]
    refused = subprocess.run(argv, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert (refused.returncode, refused.stderr) == (
        1,
        "sandbox.accounts: ready accounts are for development only\n",
    )
    assert list(tmp_path.iterdir()) == []


def test_they_are_printed_with_their_passwords(tmp_path: Path) -> None:
    folder = DataDir(tmp_path)
    assert ReadyAccounts.of(folder) is None
    folder.write(ACCOUNTS_FILE, {"buyerPassword": "of the buyer", "operatorPassword": "of the operator"})
    assert stat.S_IMODE((tmp_path / ACCOUNTS_FILE).stat().st_mode) == 0o600
    accounts = ReadyAccounts.of(folder)
    assert accounts is not None
    assert [line.split(maxsplit=2) for line in accounts.table().splitlines()] == [
        ["Buyer", BUYER, "of the buyer"],
        ["Operator", OPERATOR, "of the operator"],
    ]


def test_five_addresses_for_a_browser_and_the_shop_is_the_first() -> None:
    addresses = Addresses(
        *("http://api", "temporal:7233", "http://ui", "http://sandbox", "smtp://mail", "postgresql://u:secret@db/m"),
        web="http://shop",
    )
    assert [line.split()[-1] for line in addresses.pages().splitlines()] == [
        *("http://shop", "http://shop/desk", "http://sandbox", "http://api/docs", "http://ui")
    ]
