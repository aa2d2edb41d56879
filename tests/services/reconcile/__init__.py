"""The reconciler: tables, workflows, the provider, and its report."""
