"""The demo: plan, test cards run, tables and audit."""
