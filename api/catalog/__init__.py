"""The catalog's HTTP operations: products for everyone, changes for operators."""
