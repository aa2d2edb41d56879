"""Outgoing webhooks: tell other systems of the shop what happens to orders."""
