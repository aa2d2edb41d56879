"""The same saga on other ways to make it durable: DBOS, and Temporal with five regular activities."""
