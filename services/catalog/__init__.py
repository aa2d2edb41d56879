"""Catalog: products, their prices, and how they come in."""
