"""The system as a cluster on one machine: Temporal's real server, several processes a part, the load balancer."""
