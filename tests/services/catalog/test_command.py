"""`python -m services`: what an administrator types and reads."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from uuid import UUID, uuid4

import psycopg
import pytest
from typer.testing import CliRunner, Result

from sandbox.postgres import EmbeddedPostgres
from services.__main__ import LISTED, app, bring_in
from services.catalog.importing import read_incoming
from services.catalog.service import CatalogService
from services.clock import Clock
from services.db import Sessions
from services.errors import Unavailable
from services.identity.access_tokens import AccessTokens
from services.identity.account_messages import AccountMessages
from services.identity.login_throttle import ThrottleSubjects
from services.identity.password_check import PasswordCheck
from services.identity.passwords import Argon2Profile, PasswordHasher
from services.identity.refresh_tokens import RefreshTokens
from services.identity.service import IdentityService
from services.identity.sign_in import SignIn
from services.identity.signing_keys import KEY_FILE, SigningKeys
from services.identity.views import RegisterUser, Scope
from services.reservations.service import ReservationService
from services.secrets import Vault
from tests.services.catalog.conftest import Write

ROOT = Path(__file__).parents[3]
DAY = ROOT / "sandbox" / "data" / "2010-12-01.csv.gz"
HEADER = "sku,name,price,currency,stock"
LIST = f"{HEADER}\nLAMP,Lamp,1299.00,RUB,7\nMUG,Mug,5.00,RUB,0\n"


class Shell:
    """Runs commands against the tests' database."""

    def __init__(self, data_dir: Path, database_url: str | None) -> None:
        self.env = {"DATA_DIR": str(data_dir), "DATABASE_URL": database_url or "", "SIGNING_KEY": "", "APP_ENV": ""}

    def __call__(self, *words: object) -> Result:
        return CliRunner().invoke(app, [str(word) for word in words], env=self.env)


@pytest.fixture
def shell(sessions: Sessions, tmp_path: Path, database_url: str) -> Shell:
    return Shell(tmp_path / "data", database_url)


def test_products_come_in_with_their_stock(
    shell: Shell, write: Write, catalog: CatalogService, reservations: ReservationService
) -> None:
    done = shell("import-products", write("products.csv", LIST))
    assert (done.exit_code, done.stderr) == (0, "")
    assert "2 products: 2 new, 0 changed, 0 as they were; first stock for 2." in done.stdout
    available = {product.sku: reservations.stocks([product.id])[product.id].available for product in catalog.list()}
    assert available == {"LAMP": 7, "MUG": 0}


def test_a_second_run_changes_nothing_and_says_so(shell: Shell, write: Write) -> None:
    path = write("products.csv", LIST)
    shell("import-products", path)
    again = shell("import-products", path)
    assert (again.exit_code, again.stderr) == (0, "")
    assert "Nothing changed: all 2 products are there as the file has them." in again.stdout


def test_a_change_is_counted_and_stock_is_left_alone(
    shell: Shell, write: Write, catalog: CatalogService, reservations: ReservationService
) -> None:
    shell("import-products", write("products.csv", LIST))
    done = shell("import-products", write("products.csv", LIST.replace("1299.00,RUB,7", "1399.00,RUB,90")))
    assert "2 products: 0 new, 1 changed, 1 as they were; first stock for 0." in done.stdout
    (lamp,) = catalog.list(q="LAMP")
    assert (lamp.price.text, reservations.stocks([lamp.id])[lamp.id].available) == ("1399.00", 7)


def test_the_shipped_day(shell: Shell, catalog: CatalogService, reservations: ReservationService) -> None:
    done = shell("import-products", DAY, "--stock", 10_000)
    assert (done.exit_code, done.stderr) == (0, "")
    assert "1,874 products: 1,874 new, 0 changed, 0 as they were; first stock for 1,874." in done.stdout
    assert "of 3,108 lines were passed over" in done.stdout
    stocks = reservations.stocks([product.id for product in catalog.list(limit=5000)])
    assert (len(stocks), {stock.available for stock in stocks.values()}) == (1874, {10_000})
    again = shell("import-products", DAY, "--stock", 10_000)
    assert "Nothing changed: all 1,874 products" in again.stdout


def test_if_empty(shell: Shell, write: Write, catalog: CatalogService) -> None:
    path = write("products.csv", LIST)
    assert "2 new" in shell("import-products", path, "--if-empty").stdout
    done = shell("import-products", DAY, "--stock", 1, "--if-empty")
    assert (done.exit_code, done.stdout) == (0, "The catalog is not empty: nothing was imported.\n")
    assert len(catalog.list()) == 2


class CutOff(ReservationService):
    """Fails instead of adding stock, or right after."""

    def __init__(self, sessions: Sessions, *, late: bool) -> None:
        super().__init__(sessions, Clock())
        self._late = late

    def add_stocks(self, stocks: Sequence[tuple[UUID, int]]) -> int:
        if self._late:
            super().add_stocks(stocks)
        raise Unavailable("cut off")


@pytest.mark.parametrize("late", [False, True])
def test_an_import_that_was_cut_off_shows_nothing_and_is_completed_by_the_next(
    shell: Shell,
    write: Write,
    sessions: Sessions,
    catalog: CatalogService,
    reservations: ReservationService,
    late: bool,
) -> None:
    path = write("products.csv", LIST)
    with pytest.raises(Unavailable):
        bring_in(catalog, CutOff(sessions, late=late), read_incoming(path, None))
    assert catalog.list() == []
    done = shell("import-products", path, "--if-empty")
    assert f"2 products: 0 new, 2 changed, 0 as they were; first stock for {0 if late else 2}." in done.stdout
    (lamp,) = catalog.list(q="LAMP")
    assert reservations.stocks([lamp.id])[lamp.id].available == 7


def test_an_older_schema_is_brought_up_first(
    postgres: EmbeddedPostgres, database_url: str, write: Write, tmp_path: Path
) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("DROP DATABASE IF EXISTS bare")
        connection.execute("CREATE DATABASE bare")
    shell, path = Shell(tmp_path, postgres.url("bare")), write("products.csv", LIST)
    done = shell("import-products", path)
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr == "The schema is not at its newest: run `python -m services migrate` first.\n"
    assert shell("migrate").exit_code == 0
    assert "2 products: 2 new" in shell("import-products", path).stdout


def test_bad_rows_are_listed_and_nothing_is_imported(shell: Shell, write: Write, catalog: CatalogService) -> None:
    rows = [f"SKU-{number},Lamp,x,RUB,1" for number in range(LISTED + 10)]
    done = shell("import-products", write("products.csv", "\n".join([HEADER, "LAMP,Lamp,1.00,RUB,1", *rows])))
    lines = done.stderr.splitlines()
    assert (done.exit_code, done.stdout) == (2, "")
    assert lines[0] == "line 3: price is no amount of its currency: use a point, and no more decimals"
    assert lines[LISTED:] == ["… and 10 more", "Nothing was imported: 60 rows are wrong."]
    assert catalog.list(include_inactive=True) == []


def test_a_file_that_cannot_be_used_is_one_sentence(shell: Shell, write: Write, catalog: CatalogService) -> None:
    missing = write("x", "").with_name("none.csv")
    broken = write("cut.csv.gz", gzip.compress(LIST.encode())[:20])
    expected = {
        missing: f"{missing}: no such file or directory.\n",
        broken: f"{broken}: the gzip data is broken or cut off.\n",
        DAY: f"{DAY}: invoices do not say how much there is: add --stock N.\n",
    }
    for path, sentence in expected.items():
        done = shell("import-products", path)
        assert (done.exit_code, done.stdout, done.stderr) == (2, "", sentence)
    assert catalog.list(include_inactive=True) == []


def test_without_a_database_it_says_what_to_do(write: Write, tmp_path: Path) -> None:
    done = Shell(tmp_path / "data", None)("import-products", write("products.csv", LIST))
    assert (done.exit_code, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert "set DATABASE_URL" in done.stderr


def test_the_sandbox_database_is_found_by_its_addresses(
    sessions: Sessions, write: Write, tmp_path: Path, database_url: str, catalog: CatalogService
) -> None:
    write("addresses.json", json.dumps({"database": database_url}))
    done = Shell(tmp_path, None)("import-products", write("products.csv", LIST))
    assert (done.exit_code, len(catalog.list())) == (0, 2)


def test_a_database_that_is_away_is_one_sentence(write: Write, tmp_path: Path) -> None:
    away = Shell(tmp_path, "postgresql://market:secret@127.0.0.1:1/market")
    for words in (("import-products", write("products.csv", LIST)), ("migrate",)):
        done = away(*words)
        assert (done.exit_code, done.stdout) == (1, "")
        assert done.stderr == "The database cannot be reached, or is busy: is it running, and DATABASE_URL right?\n"


def test_migrate_may_be_repeated(shell: Shell) -> None:
    done = shell("migrate")
    assert (done.exit_code, done.stdout) == (0, "The schema is at its newest.\n")


def test_a_user_is_disabled_and_enabled(shell: Shell, sessions: Sessions) -> None:
    tokens = AccessTokens(SigningKeys.generate(), Clock())
    with PasswordHasher(Argon2Profile(1, 8, 1)) as passwords:
        identity = IdentityService(sessions, passwords, Clock(), "RU")
        check = PasswordCheck(sessions, passwords, Clock(), ThrottleSubjects("a key"))
        sign_in = SignIn(
            sessions,
            check,
            tokens,
            RefreshTokens("a key"),
            AccountMessages(sessions, Vault("a key"), Clock()),
            Clock(),
            "RU",
        )
        password = "Sturdy-otter-77-lamp"
        anna = identity.register(RegisterUser("Anna", "Petrova", "anna@example.com", None, password)).id
        assert shell("user", "disable", anna).exit_code == 0
        with pytest.raises(Exception, match="do not match"):
            sign_in.login("anna@example.com", None, password)
        assert shell("user", "enable", anna).stdout.endswith("The user can sign in again.\n")
        assert sign_in.login("anna@example.com", None, password).expires_in == 600
    nobody = shell("user", "disable", uuid4())
    assert (nobody.exit_code, nobody.stderr) == (1, "There is no such user.\n")
    assert shell("user", "disable", "anna").exit_code == 2


def test_a_token_alone_is_printed(tmp_path: Path) -> None:
    keys = SigningKeys.generate()
    (tmp_path / KEY_FILE).write_text(keys.pem())
    shell, tokens = Shell(tmp_path, None), AccessTokens(keys, Clock())
    one = shell("token", "--role", "service", "--scope", "stocks:read", "--scope", "refunds:write")
    assert tokens.read(one.stdout.removesuffix("\n")).scopes == {"stocks:read", "refunds:write"}
    listed = shell("token", "--role", "service", "--scope", "stocks:read,orders:read")
    assert tokens.read(listed.stdout.removesuffix("\n")).scopes == {"stocks:read", "orders:read"}
    every = shell("token", "--role", "service", "--seconds", 60)
    assert tokens.read(every.stdout.removesuffix("\n")).scopes == set(Scope)
    operator = tokens.read(shell("token", "--role", "operator").stdout.removesuffix("\n"))
    assert (operator.role, operator.scopes, operator.session) == ("operator", frozenset(), None)
    for wrong in (
        ["--role", "buyer"],
        ["--role", "service", "--scope", "all"],
        ["--role", "service", "--seconds", 3601],
    ):
        assert shell("token", *wrong).exit_code == 2


def test_a_token_without_a_key_says_what_to_do(tmp_path: Path) -> None:
    done = Shell(tmp_path, None)("token", "--role", "operator")
    assert (done.exit_code, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert done.stderr.startswith("No signing key: set SIGNING_KEY")
    assert list(tmp_path.iterdir()) == []


def test_as_a_process(sessions: Sessions, write: Write, database_url: str, tmp_path: Path) -> None:
    env = {**os.environ, "DATABASE_URL": database_url, "DATA_DIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-m", "services", "import-products", write("products.csv", LIST)],
        cwd=ROOT,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "2 products: 2 new, 0 changed, 0 as they were; first stock for 2.\n"
