"""Catalog: products, their prices, and their import from files."""
