"""Development environment on one machine: PostgreSQL, Temporal, and stand-ins for payments, mail and SMS."""
