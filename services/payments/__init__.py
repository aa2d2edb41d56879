"""Payments: money taken once, given back once, and never unknown for long."""
