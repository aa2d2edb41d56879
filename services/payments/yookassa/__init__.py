"""The YooKassa payment gateway (API v3): HTTP client, its JSON objects, and the gateway port over them."""
