"""The desk: pages for operators."""
