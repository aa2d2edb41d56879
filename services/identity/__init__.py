"""Identity: accounts, sign-in, sessions, and who a token speaks for."""
