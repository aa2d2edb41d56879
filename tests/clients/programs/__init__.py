"""Programs that use the generated clients; the tests run them against a running stack."""
