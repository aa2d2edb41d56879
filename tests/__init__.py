"""Tests; the directories mirror the source, and `journeys/` tests whole running systems over HTTP."""
