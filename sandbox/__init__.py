"""The outside world on one machine: PostgreSQL, Temporal, a payment provider, mail and SMS, and who starts them."""
