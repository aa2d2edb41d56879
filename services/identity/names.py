"""Validates first and last names: any script is allowed; control and text direction characters and links are not."""

from __future__ import annotations

from services.errors import Invalid
from services.links import has_link
from services.pasted_text import clean_text, forbidden_character

#: Most code points of a first or last name.
MAX_NAME = 100


def checked_name(name: str, pointer: str) -> str:
    """The name without invisible characters. Raises Invalid at `pointer`: empty, or as `checked_last_name`."""
    name = checked_last_name(name, pointer)
    if not name:
        raise Invalid("A name cannot be empty.", pointer=pointer)
    return name


def checked_last_name(name: str, pointer: str = "/lastName") -> str:
    """As `checked_name`, but it may be empty: many people have one name.

    Raises Invalid at `pointer`: too long, with a link, or with a forbidden character, which the message names.
    """
    if len(name) > MAX_NAME:
        raise Invalid(f"A name has at most {MAX_NAME} characters.", pointer=pointer)
    name = clean_text(name)
    if found := forbidden_character(name):
        raise Invalid(f"A name cannot contain {found}.", pointer=pointer)
    if has_link(name):
        # Messages greet people by their name.
        raise Invalid(
            "A name cannot contain an address, a domain or an @. After a full stop, write a space.", pointer=pointer
        )
    return name
