"""Tests of api/access."""
