"""The reconciler: checks the invariants of the contract (section 4) in the tables, in Temporal and at the provider."""
