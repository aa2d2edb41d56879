"""Schemas of the identity operations."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from pydantic import Field, StrictStr

from api.requests.fields import Shape

Name = Annotated[StrictStr, Field(min_length=1, max_length=100)]
Email = Annotated[StrictStr, Field(min_length=3, max_length=254)]
Phone = Annotated[StrictStr, Field(min_length=1, max_length=40)]
# The service checks its strength; this bound only limits its size. No `format: password`: generated Python models
# would mask the value in the request that they send.
Password = Annotated[StrictStr, Field(max_length=1024)]


class UserProfile(Shape):
    """The profile of an account."""

    id: UUID
    first_name: str
    last_name: str
    email: str | None
    phone: str | None
    email_verified: bool
    phone_verified: bool
