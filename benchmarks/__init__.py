"""Benchmarks: throughput and latency of orders, and the cost of signing in."""
