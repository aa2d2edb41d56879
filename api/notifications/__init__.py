"""The notification service's HTTP operations."""
