#!/bin/sh
# Creates Temporal's namespace for orders and the search attributes for operators. Idempotent.
# Reads TEMPORAL_ADDRESS and TEMPORAL_NAMESPACE, as the `temporal` command does.
set -eu

# The port accepts connections before the services behind it are ready, and a new namespace becomes visible to all of
# them only after some seconds.
retry() {
  tries=60
  until "$@"; do
    tries=$((tries - 1))
    if [ "$tries" -eq 0 ]; then
      echo "failed after 60 attempts: $*" >&2
      return 1
    fi
    sleep 1
  done
}

exists() {
  temporal operator namespace describe --namespace "$TEMPORAL_NAMESPACE" >/dev/null 2>&1
}

# How long a closed workflow can be read: docs/deploying.md, "Temporal", has the reason.
RETENTION=72h

make_namespace() {
  exists || temporal operator namespace create --namespace "$TEMPORAL_NAMESPACE" --retention "$RETENTION" || exists
}

retry temporal operator cluster health
retry make_namespace
# One name per call: when one of several names exists, the call adds none of them.
for attribute in OrderStatus:Keyword AttentionReason:Keyword BuyerId:Keyword NeedsAttention:Bool; do
  retry temporal operator search-attribute create --namespace "$TEMPORAL_NAMESPACE" \
    --name "${attribute%%:*}" --type "${attribute##*:}"
done
