"""The payment provider stand-in: its HTTP API, ledger, test cards and webhooks."""
