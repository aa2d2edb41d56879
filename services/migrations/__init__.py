"""The history of the tables, forward only: expand first, contract later."""
