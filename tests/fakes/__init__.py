"""Fakes for the ports of the services: a clock that tests control, and payment gateways."""
