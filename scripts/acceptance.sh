# The acceptance tests: the real binary, real AWS clients, moto as AWS.
. scripts/clients.sh

clients_node="$cache_dir/node-$(sha256sum tests/acceptance/package-lock.json | cut -c1-12)"

need_node_clients() {
  need_command node nodejs
  need_command npm npm
  if [ ! -f "$clients_node/ready" ]; then
    say "installing from npm: the AWS SDK for JavaScript v3"
    rm -rf "$clients_node"
    mkdir -p "$clients_node"
    cp tests/acceptance/package.json tests/acceptance/package-lock.json "$clients_node/"
    (cd "$clients_node" && npm ci --ignore-scripts --no-audit --no-fund --silent) ||
      die "npm could not install tests/acceptance/package-lock.json"
    touch "$clients_node/ready"
  fi
  # Modules are found from where the script stands.
  cp tests/acceptance/scenario_js.mjs "$clients_node/"
}

run_acceptance() {
  need_clients || return 1
  need_node_clients || return 1
  build_preset asan keyturn || return 1
  local log="build/acceptance.log" good bad code=0
  ACCEPTANCE_NODE="$clients_node" ACCEPTANCE_KEYTURN="$PWD/build/asan/src/cli/keyturn" \
    "$clients_venv/bin/python" -m pytest -q -p no:cacheprovider \
    tests/acceptance >"$log" 2>&1 || code=$?
  cat "$log"
  good="$(sed -n 's/.*[^0-9]\?\b\([0-9]\+\) passed.*/\1/p' "$log" | tail -1)"
  bad="$(sed -n 's/.*[^0-9]\?\b\([0-9]\+\) \(failed\|error\).*/\1/p' "$log" | tail -1)"
  if [ "$code" != 0 ] && [ "${bad:-0}" = 0 ]; then bad=1; fi
  count acceptance "${good:-0}" "${bad:-0}"
}
