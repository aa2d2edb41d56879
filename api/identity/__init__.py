"""The identity service's HTTP operations: registration, sign-in, verification, account."""
