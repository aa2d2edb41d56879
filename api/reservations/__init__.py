"""The reservation service's HTTP operations."""
