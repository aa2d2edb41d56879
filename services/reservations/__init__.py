"""Reservations: stock per product, and the holds that orders have on it."""
