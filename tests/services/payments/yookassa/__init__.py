"""Tests of the YooKassa gateway."""
