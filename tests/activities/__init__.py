"""Tests of the activities that need no workflow."""
