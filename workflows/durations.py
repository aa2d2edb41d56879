"""Durations as text."""

from __future__ import annotations


def duration(seconds: int) -> str:
    """`15 min` for whole minutes, else `90 s`."""
    return f"{seconds // 60} min" if seconds and seconds % 60 == 0 else f"{seconds} s"
