#!/bin/sh
# Writes .env from .env.example with random secrets; never overwrites an existing .env.
set -eu
cd "$(dirname "$0")/.."

if [ -e .env ]; then
  echo "deploy/make-env.sh: .env exists and is not overwritten, because the databases use its passwords." >&2
  exit 1
fi

random() {
  head -c 24 /dev/urandom | od -An -tx1 | tr -d ' \n'
}

# RFC 8410: an Ed25519 private key is these 16 bytes followed by 32 random bytes.
signing_key() {
  key=$({ printf '\060\056\002\001\000\060\005\006\003\053\145\160\004\042\004\040'; head -c 32 /dev/urandom; } | base64)
  printf '%s' "-----BEGIN PRIVATE KEY-----\\n$key\\n-----END PRIVATE KEY-----\\n"
}

webhook_secret() {
  printf 'whsec_%s' "$(head -c 32 /dev/urandom | base64 | tr -d '\n')"
}

umask 077
while IFS= read -r line; do
  case $line in
    '# 2. '*) break ;; # what follows is not for docker compose
    SIGNING_KEY=) printf '%s"%s"\n' "$line" "$(signing_key)" ;;
    PAYMENT_WEBHOOK_SECRETS=) printf '%s%s\n' "$line" "$(webhook_secret)" ;;
    [A-Z]*=) printf '%s%s\n' "$line" "$(random)" ;;
    *) printf '%s\n' "$line" ;;
  esac
done <.env.example >.env
echo "Wrote .env: it contains secrets, do not share it."
