"""What the identity service holds about a person, for a copy of their data; secrets and hashes are left out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from services.db import Database
from services.errors import NotFound
from services.identity import personal_data_repository


class IdentityPersonalData:
    """Reads an account and its sessions."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def account(self, user_id: UUID) -> dict[str, Any]:
        """The account. Raises NotFound."""
        row = personal_data_repository.find(self._database, user_id)
        if row is None:
            raise NotFound("There is no such user.")
        found: dict[str, Any] = row._asdict()
        return found

    def sessions(self, user_id: UUID) -> Iterator[dict[str, Any]]:
        """The sessions, ended ones too, as long as they are kept."""
        return (row._asdict() for row in personal_data_repository.sessions(self._database, user_id))
