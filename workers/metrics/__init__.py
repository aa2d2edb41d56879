"""What a worker measures, as collectors of the Prometheus client."""
