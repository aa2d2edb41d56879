#!/bin/sh
# Gives Temporal the namespace of the orders and the search attributes that operators ask by; as often as one likes.
# Reads TEMPORAL_ADDRESS and TEMPORAL_NAMESPACE, as the `temporal` command does.
set -eu

# The port answers before the services behind it do, and a new namespace is known to all of them only after a while.
patiently() {
  tries=60
  until "$@"; do
    tries=$((tries - 1))
    if [ "$tries" -eq 0 ]; then
      echo "gave up on: $*" >&2
      return 1
    fi
    sleep 1
  done
}

exists() {
  temporal operator namespace describe --namespace "$TEMPORAL_NAMESPACE" >/dev/null 2>&1
}

make_namespace() {
  exists || temporal operator namespace create --namespace "$TEMPORAL_NAMESPACE" --retention 72h || exists
}

patiently temporal operator cluster health
patiently make_namespace
# One name a call: where one is there already, the others of the same call are not added.
for attribute in OrderStatus:Keyword AttentionReason:Keyword BuyerId:Keyword NeedsAttention:Bool; do
  patiently temporal operator search-attribute create --namespace "$TEMPORAL_NAMESPACE" \
    --name "${attribute%%:*}" --type "${attribute##*:}"
done
