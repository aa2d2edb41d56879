"""The demo: replays one day of a real shop through the API, then audits the database, the provider and the inbox."""
