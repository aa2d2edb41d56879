"""The sandbox: its servers, its supervisor, and the stack as one thing."""
