"""Stand-ins for external services on one machine: a payment provider, a mail server and an SMS gateway."""
