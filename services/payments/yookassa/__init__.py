"""The YooKassa payment gateway (API v3): HTTP client, JSON objects, and the implementation of the gateway port."""
