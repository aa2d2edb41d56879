#!/bin/sh
# Runs once, when the cluster is created: separate roles and databases for the market and for Temporal.
set -eu

psql --quiet --no-psqlrc --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname postgres \
  --set market="$MARKET_DB_PASSWORD" --set temporal="$TEMPORAL_DB_PASSWORD" <<'SQL'
CREATE ROLE market LOGIN PASSWORD :'market';
CREATE DATABASE market OWNER market;
CREATE ROLE temporal LOGIN PASSWORD :'temporal';
CREATE DATABASE temporal OWNER temporal;
CREATE DATABASE temporal_visibility OWNER temporal;
REVOKE CONNECT ON DATABASE market, temporal, temporal_visibility FROM PUBLIC;
SQL
