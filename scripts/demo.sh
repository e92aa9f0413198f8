# ./run demo [--yes] [--keep]: the incident that does not happen.
. scripts/clients.sh

# play_demo BINARY ARGUMENTS…
play_demo() {
  local binary="$1"
  shift
  PATH="$clients_venv/bin:$PATH" "$clients_venv/bin/python" scripts/demo/demo.py --keyturn "$binary" \
    --bin "$clients_venv/bin" "$@"
}

verb_demo() {
  need_clients || return 1
  build_preset release keyturn || return 1
  play_demo build/release/src/cli/keyturn "$@"
}
