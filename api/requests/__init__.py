"""What requests have in common: bodies, fields, amounts, pages, preferences, idempotency keys, client addresses."""
