"""Tests mirror the rooms; `journeys/` go through HTTP."""
