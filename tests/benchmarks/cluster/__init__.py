"""Tests of the cluster's parts that need no cluster."""
