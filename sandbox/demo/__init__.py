"""The demonstration: a day of a real shop replayed through the API, then checked against three records."""
