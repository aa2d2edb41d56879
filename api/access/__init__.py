"""Who may call an operation and how often: tokens, scopes and rate limits."""
