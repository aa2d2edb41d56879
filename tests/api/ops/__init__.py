"""Tests of api/ops."""
