"""The world outside the order system, on one machine: a payment provider, a mail server and an SMS gateway."""
