"""Orders: what a buyer asked for, where it stands, and the arbiter of its end."""
