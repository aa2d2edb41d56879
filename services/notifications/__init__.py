"""Notifications: every message to a person, sent once to the eye."""
