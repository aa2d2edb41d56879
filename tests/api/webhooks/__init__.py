"""Tests of the operations of outgoing webhooks."""
