#!/bin/sh
# Runs `python -m services` on a server of docs/servers.md, as the user `market`, with its settings and secrets: as root,
#
#   deploy/market-command.sh user grant EMAIL operator
#
# Name files by their whole path; `market` must be able to read them.
set -eu
if [ "$(id -u)" -ne 0 ]; then
  echo "market-command.sh: run it as root, who may read /etc/market/secrets." >&2
  exit 1
fi
[ $# -gt 0 ] || set -- --help
if [ -t 0 ] && [ -t 1 ]; then terminal=--pty; else terminal=--pipe; fi
# Its words are between SECRETS_DIR and "$@" of the inner shell, because systemd-run replaces $NAME in a command itself.
set -- "$terminal" --quiet --wait --collect --service-type=exec --uid=market --gid=market \
  --working-directory=/opt/market/current --property=EnvironmentFile=/etc/market/application.env \
  --property=NoNewPrivileges=yes --property=UMask=0077 -- \
  /bin/sh -c 'SECRETS_DIR=$$CREDENTIALS_DIRECTORY exec .venv/bin/python -m services "$$@"' services "$@"
for name in database_url secrets_key signing_key yookassa_secret_key; do
  set -- "--property=LoadCredential=$name:/etc/market/secrets/$name" "$@"
done
exec systemd-run "$@"
