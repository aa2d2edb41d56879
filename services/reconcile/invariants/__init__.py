"""The invariants that the tables show, as SQL."""
