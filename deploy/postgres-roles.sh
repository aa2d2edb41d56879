#!/bin/sh
# Runs once, when the cluster is created: separate databases for the market and for Temporal, and their roles.
# `market_owner` owns the market's tables and runs the migrations; `market`, the role of every other process, reads and
# writes rows and can create, change or drop nothing.
set -eu

psql --quiet --no-psqlrc --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname postgres \
  --set owner="$MARKET_OWNER_DB_PASSWORD" --set market="$MARKET_DB_PASSWORD" --set temporal="$TEMPORAL_DB_PASSWORD" <<'SQL'
-- Passwords are not for the server's log, whatever it logs, and also when a statement fails.
SET log_statement = 'none';
SET log_min_duration_statement = -1;
SET log_min_error_statement = 'panic';
CREATE ROLE market_owner LOGIN PASSWORD :'owner';
CREATE ROLE market LOGIN PASSWORD :'market';
CREATE DATABASE market OWNER market_owner;
CREATE ROLE temporal LOGIN PASSWORD :'temporal';
CREATE DATABASE temporal OWNER temporal;
CREATE DATABASE temporal_visibility OWNER temporal;
REVOKE ALL ON DATABASE market, temporal, temporal_visibility FROM PUBLIC;
GRANT CONNECT ON DATABASE market TO market;
\connect market
-- The table in which Alembic keeps the present migration: created here, because `market` only reads it.
SET ROLE market_owner;
CREATE TABLE alembic_version (version_num varchar(32) CONSTRAINT alembic_version_pkc PRIMARY KEY);
GRANT SELECT ON alembic_version TO market;
-- What migrations create from now on.
ALTER DEFAULT PRIVILEGES GRANT USAGE ON SCHEMAS TO market;
ALTER DEFAULT PRIVILEGES GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO market;
ALTER DEFAULT PRIVILEGES GRANT USAGE ON SEQUENCES TO market;
SQL
