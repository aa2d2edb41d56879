"""Payments: charges, refunds, the ledger, and webhooks of the payment provider."""
