#!/bin/sh
# Migrates Temporal's two databases to the schema of this version. Idempotent.
# Reads SQL_HOST, SQL_PORT (5432), SQL_USER and SQL_PASSWORD, as temporal-sql-tool does.
set -eu

for database in temporal:temporal temporal_visibility:visibility; do
  tool="temporal-sql-tool --plugin postgres12 --port ${SQL_PORT:-5432} --database ${database%%:*}"
  $tool setup-schema --version 0.0
  $tool update-schema --schema-name "postgresql/v12/${database##*:}"
done
