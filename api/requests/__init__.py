"""Parts of requests: bodies, fields, amounts, pages, preferences, idempotency keys, client addresses."""
