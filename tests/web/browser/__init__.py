"""Tests of the pages in Chromium, in front of the whole system."""
