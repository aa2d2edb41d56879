"""Tests mirror the packages; `journeys/` go through HTTP."""
