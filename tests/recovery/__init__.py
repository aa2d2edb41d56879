"""PostgreSQL restored by the commands of docs/deploying.md, with orders open."""
