"""Identity: accounts, sign-in, sessions, verification codes, password resets and access tokens."""
