"""Tests of deploy/: the scripts run as an administrator runs them."""
