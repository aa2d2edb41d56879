"""Tests of deploy/monitoring: alert rules by promtool, dashboards against a real Prometheus."""
