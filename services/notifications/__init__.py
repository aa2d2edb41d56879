"""Notifications: renders, queues and sends e-mails and SMS; one delivery per message key."""
