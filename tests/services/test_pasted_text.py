"""Text that people paste: what is removed, what is kept, and what is named."""

from __future__ import annotations

import sys
import unicodedata

import pytest

from services.pasted_text import clean_identifier, clean_line, clean_text, forbidden_character


@pytest.mark.parametrize(
    ("pasted", "kept"),
    [
        ("Твер\u00adская, 1", "Тверская, 1"),
        ("\ufeffLondon", "London"),
        ("221B\u200b Baker Street", "221B Baker Street"),
        ("\u200e\u200fתל אביב\u061c", "תל אביב"),
        ("\u202aTel Aviv\u202c, \u2068Dizengoff\u2069 5", "Tel Aviv, Dizengoff 5"),
        ("a\u2060b\u3164c\U000e0041", "abc"),
        ("  Main Street 1\t", "Main Street 1"),
        ("Main Street\t1 \t 2", "Main Street 1 2"),
        ("Main Street 1\nFlat 5", "Main Street 1, Flat 5"),
        ("Main Street 1,\r\n\r\n Flat 5 \n", "Main Street 1, Flat 5"),
        ("Main Street 1\u2028Flat 5\x0bFloor 2\x85", "Main Street 1, Flat 5, Floor 2"),
        ("\n, \n", ","),
    ],
)
def test_T191_what_is_invisible_is_removed_from_a_line(pasted: str, kept: str) -> None:
    assert clean_line(pasted) == kept


@pytest.mark.parametrize(
    "text", ["می\u200cخواهم", "क्\u200dष", "❤\ufe0f", "👩\u200d🚀", "葛\U000e0100", "Ул. ‑ 5/1 «А»", "\u0601 1"]
)
def test_T191_joiners_and_variations_are_kept(text: str) -> None:
    assert clean_line(text) == text
    assert forbidden_character(text) is None


def test_T191_an_emoji_that_pythons_table_does_not_have() -> None:
    new = "\U0001faff"
    assert clean_line(f"Flat 5 {new}") == f"Flat 5 {new}"
    assert forbidden_character(new) is None


@pytest.mark.parametrize("text", ["", " \t\n", "\u200b\ufeff", "\u200d\ufe0f", "\u3164 \u200b"])
def test_T191_text_without_a_visible_character_is_empty(text: str) -> None:
    assert (clean_text(text), clean_line(text)) == ("", "")


def test_an_identifier_has_no_invisible_character() -> None:
    assert clean_identifier("+7\u200b999\u200d123\ufe0d45\u00ad67") == "+79991234567"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("a\u202eb", "U+202E RIGHT-TO-LEFT OVERRIDE"),
        ("a\u202db", "U+202D LEFT-TO-RIGHT OVERRIDE"),
        ("a\x1b[31m", "U+001B CONTROL CHARACTER"),
        ("a\x7f", "U+007F CONTROL CHARACTER"),
        ("\ufff9a", "U+FFF9 INTERLINEAR ANNOTATION ANCHOR"),
        ("\ue000", "U+E000 PRIVATE USE CHARACTER"),
        ("\U0010fffd", "U+10FFFD PRIVATE USE CHARACTER"),
        ("\ufffe", "U+FFFE NONCHARACTER"),
        ("\U0003ffff", "U+3FFFF NONCHARACTER"),
        ("\ud800", "U+D800 SURROGATE"),
    ],
)
def test_T192_what_is_not_allowed_is_named(text: str, name: str) -> None:
    assert forbidden_character(clean_text(text)) == name


def test_T192_only_what_is_allowed_by_the_caller_is_passed_over() -> None:
    assert forbidden_character("a\nb\x00", allowed="\n") == "U+0000 CONTROL CHARACTER"


def test_T191_every_formatting_character_is_removed_kept_or_refused_on_purpose() -> None:
    formats = [char for char in map(chr, range(sys.maxunicode + 1)) if unicodedata.category(char) == "Cf"]
    untouched = {char for char in formats if clean_line(f"a{char}b") == f"a{char}b" and not forbidden_character(char)}
    # Joiners, and signs of Arabic, Syriac, Kaithi and hieroglyphs, which are visible.
    assert {unicodedata.name(char).split()[0] for char in untouched} == {
        "ZERO", "ARABIC", "SYRIAC", "KAITHI", "EGYPTIAN"
    }  # fmt: skip
