"""Reservations: goods held for an order, sold or given back."""
