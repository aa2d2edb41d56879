"""The order service's HTTP operations."""
