#!/usr/bin/env bash
# What tests and benches need beyond npm packages: nginx, which stands in front of two gateways or beside one.
set -euo pipefail
PATH="$PATH:/usr/sbin"

command -v nginx > /dev/null && exit 0
if ! command -v apt-get > /dev/null; then
  echo 'nginx is missing, and so is apt-get to install it with: install nginx by hand' >&2
  exit 1
fi
as_root=()
[ "$(id -u)" -eq 0 ] || as_root=(sudo)
"${as_root[@]}" apt-get update -qq
"${as_root[@]}" apt-get install -y -qq --no-install-recommends nginx-light
