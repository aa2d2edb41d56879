"""The form in which SKUs are compared and names are searched: what looks the same, or was typed otherwise, is equal."""

from __future__ import annotations

import re
import unicodedata

# Characters without a visible form (Unicode: Default_Ignorable_Code_Point), for Python and PostgreSQL alike.
_INVISIBLE = (
    r"\u00AD\u034F\u061C\u115F\u1160\u17B4\u17B5\u180B-\u180F\u200B-\u200F\u202A-\u202E\u2060-\u206F\u3164"
    r"\uFE00-\uFE0F\uFEFF\uFFA0\U000E0000-\U000E0FFF"
)
_INVISIBLE_SIGN = re.compile(f"[{_INVISIBLE}]")


def without_invisible(text: str) -> str:
    """The text without characters that have no visible form."""
    return _INVISIBLE_SIGN.sub("", text)


def compared(text: str) -> str:
    """The compared form of a SKU, as the column `sku_key` has it: NFKC, case-folded, without invisible signs."""
    return unicodedata.normalize("NFKC", without_invisible(text)).casefold()


def compared_sql(text: str) -> str:
    """SQL for `compared` of a text expression; immutable, for generated columns."""
    visible = f"regexp_replace({text}, '[{_INVISIBLE}]', '', 'g')"
    return f'casefold(normalize({visible}, NFKC) COLLATE "pg_unicode_fast")'


def searched_sql(text: str) -> str:
    """SQL for the form in which texts are searched: compared, trimmed, white space run together, ё as е."""
    return f"translate(btrim(regexp_replace({compared_sql(text)}, '\\s+', ' ', 'g')), 'ё', 'е')"
