"""Clients generated from docs/openapi.json: they compile under strict settings and place an order."""
