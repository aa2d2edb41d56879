"""HTTP operations of the catalog: products for everyone, changes for operators."""
