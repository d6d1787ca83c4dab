#!/usr/bin/env bash
# Rolls an overlay out: deploy/rollout.sh deploy/overlays/production
# First what the services stand on, then the migration, and only when that is done the services. KUBECTL names another kubectl.
set -euo pipefail

kubectl=${KUBECTL:-kubectl}
overlay=${1:?Give the overlay, such as deploy/overlays/production}
patience=${MIGRATION_SECONDS:-1800}
tree=$(mktemp)
trap 'rm -f "$tree"' EXIT

say() { printf '› %s\n' "$*"; }

"$kubectl" kustomize "$overlay" >"$tree"
namespace=$(sed -n 's/^namespace: *//p' "$overlay/kustomization.yaml")
[[ -n $namespace ]] || { echo "$overlay/kustomization.yaml names no namespace." >&2 && exit 1; }

say "Applying what the services stand on to namespace $namespace"
"$kubectl" apply -f "$tree" -l 'citypulse.io/step notin (migrate, serve)'
for store in postgres redis; do
  # Absent where somebody else runs it.
  if [[ -n $("$kubectl" get statefulset "$store" -n "$namespace" --ignore-not-found -o name) ]]; then
    "$kubectl" rollout status "statefulset/$store" -n "$namespace" --timeout=15m
  fi
done

say "Migrating the database"
"$kubectl" delete job migrate -n "$namespace" --ignore-not-found
"$kubectl" apply -f "$tree" -l citypulse.io/step=migrate
begun=$SECONDS
until outcome=$("$kubectl" get job migrate -n "$namespace" -o 'jsonpath={.status.conditions[?(@.status=="True")].type}') && [[ $outcome == *Complete* ]]; do
  if [[ $outcome == *Failed* ]] || ((SECONDS - begun > patience)); then
    "$kubectl" logs job/migrate -n "$namespace" --all-containers --prefix --tail=50 >&2 || true
    echo "The migration did not succeed; the services are as they were." >&2
    exit 1
  fi
  sleep 2
done

say "Rolling the services out"
"$kubectl" apply -f "$tree" -l citypulse.io/step=serve
for service in api realtime aigateway; do
  "$kubectl" rollout status "deployment/$service" -n "$namespace" --timeout=15m
done
say "Done"
