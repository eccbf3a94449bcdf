#!/usr/bin/env bash
# What tests and benches need beyond npm packages: nginx, which stands in front of two gateways or beside one, and proxies to go through.
set -euo pipefail
PATH="$PATH:/usr/sbin"

# Command -> Debian package.
declare -A packages=([nginx]=nginx-light [tinyproxy]=tinyproxy-bin [microsocks]=microsocks)
missing=()
for command in "${!packages[@]}"; do
  command -v "$command" > /dev/null || missing+=("${packages[$command]}")
done
[ ${#missing[@]} -eq 0 ] && exit 0
if ! command -v apt-get > /dev/null; then
  echo "missing, and no apt-get to install them with: ${missing[*]}" >&2
  exit 1
fi
as_root=()
[ "$(id -u)" -eq 0 ] || as_root=(sudo)
"${as_root[@]}" apt-get update -qq
"${as_root[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}"
