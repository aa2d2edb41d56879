"""`user export` and `user erase`."""

from __future__ import annotations

import json
from pathlib import Path
from uuid import UUID

import pytest

from services.db import Database
from services.identity.passwords import Argon2Profile, PasswordHasher
from services.identity.service import IdentityService
from services.identity.views import RegisterUser
from services.secrets import development_key
from tests.services.commands.conftest import Commands

EMAIL = "anna@example.com"


@pytest.fixture
def anna(database: Database, command: Commands) -> UUID:
    development_key(Path(command.env["DATA_DIR"]))
    with PasswordHasher(Argon2Profile(1, 8, 1)) as passwords:
        identity = IdentityService(database, passwords, "RU")
        return identity.register(RegisterUser("Anna", "Petrova", EMAIL, None, "Sturdy-otter-77-lamp")).id


def test_a_copy_is_printed_or_written_to_a_new_file(command: Commands, anna: UUID, tmp_path: Path) -> None:
    printed = command("user", "export", EMAIL)
    assert json.loads(printed.stdout)["account"]["id"] == str(anna)
    file = tmp_path / "anna.json"
    assert command("user", "export", anna, "--output", file).exit_code == 0
    assert json.loads(file.read_text()) == json.loads(printed.stdout)
    assert file.stat().st_mode & 0o777 == 0o600
    again = command("user", "export", anna, "--output", file)
    assert (again.exit_code, again.stderr) == (2, f"{file} cannot be created: File exists.\n")


def test_T219_an_operator_erases_a_person_who_asks(command: Commands, anna: UUID, database: Database) -> None:
    refused = command("user", "erase", EMAIL)  # nobody answers the question
    assert (refused.exit_code, database.fetch_value("SELECT count(*) FROM identity.users")) == (1, 1)
    done = command("user", "erase", EMAIL, "--yes")
    assert done.stdout.endswith(f"The user {anna} is erased. A last notice is sent to the verified addresses.\n")
    assert database.fetch_value("SELECT count(*) FROM identity.users") == 0
    assert database.fetch_one("SELECT user_id, by FROM identity.erasures") == (anna, "operator")
    gone = command("user", "erase", EMAIL, "--yes")
    assert (gone.exit_code, gone.stderr) == (1, "There is no such user.\n")


def test_T219_open_orders_are_ended_first(command: Commands, anna: UUID, database: Database) -> None:
    database.execute(OPEN, {"buyer": anna})
    refused = command("user", "erase", anna, "--yes")
    assert (refused.exit_code, refused.stderr[:23]) == (1, "1 order is still open: ")
    assert database.fetch_value("SELECT count(*) FROM identity.users") == 1


OPEN = """
    INSERT INTO orders.orders (id, buyer_id, status, total_minor, currency, country, region, city, street, language,
                               start_input)
    VALUES (uuidv7(), %(buyer)s, 'created', 100, 'RUB', 'RU', 'r', 'c', 's', 'ru', '{}')
    """
