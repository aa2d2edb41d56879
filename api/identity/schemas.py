"""Schemas of the identity operations."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from pydantic import Field, StrictStr

from api.requests.fields import Shape

Name = Annotated[StrictStr, Field(min_length=1, max_length=100)]
Email = Annotated[StrictStr, Field(min_length=3, max_length=254)]
Phone = Annotated[StrictStr, Field(min_length=1, max_length=40)]
# Its rules are the service's; this only keeps megabytes from it.
Password = Annotated[StrictStr, Field(max_length=1024, json_schema_extra={"format": "password"})]


class UserProfile(Shape):
    """What an account shows of itself."""

    id: UUID
    first_name: str
    last_name: str
    email: str | None
    phone: str | None
    email_verified: bool
    phone_verified: bool
