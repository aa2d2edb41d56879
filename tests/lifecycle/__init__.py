"""Model check of the order lifecycle: every reachable state of the real activities, services and tables."""
