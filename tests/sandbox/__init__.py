"""The sandbox: servers, supervisor, stack, stand-ins and demo."""
