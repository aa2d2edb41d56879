"""What `make check` looks at besides the code: migrations, containers, locks, and the files as they are kept."""
