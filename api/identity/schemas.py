"""Schemas of the identity operations."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from pydantic import Field, StrictStr

from api.requests.fields import Shape, Utc

Name = Annotated[StrictStr, Field(min_length=1, max_length=100)]
#: Empty for people who have one name.
LastName = Annotated[StrictStr, Field(max_length=100)]
Email = Annotated[StrictStr, Field(min_length=3, max_length=254)]
Phone = Annotated[StrictStr, Field(min_length=1, max_length=40)]
# The service checks its strength; this bound only limits its size. No `format: password`: generated Python models
# would mask the value in the request that they send.
Password = Annotated[StrictStr, Field(max_length=1024)]

#: A code of an authenticator app (6 digits), or a recovery code; spaces and hyphens are ignored.
Otp = Annotated[StrictStr, Field(max_length=64)]


class UserProfile(Shape):
    """The profile of an account."""

    id: UUID
    first_name: str
    last_name: str
    email: str | None
    phone: str | None
    email_verified: bool
    phone_verified: bool


class FoundUser(UserProfile):
    """The profile of an account, for operators."""

    is_active: bool = Field(description="Whether the account may sign in.")
    created_at: Utc
