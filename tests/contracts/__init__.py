"""Project contracts, checked by `make check`: migrations, containers, lock files, file contents, OpenAPI document."""
