# ./run demo [--yes] [--keep]: the incident that does not happen.
. scripts/clients.sh

verb_demo() {
  need_clients || return 1
  build_preset release keyturn || return 1
  PATH="$clients_venv/bin:$PATH" "$clients_venv/bin/python" scripts/demo/demo.py \
    --keyturn build/release/src/cli/keyturn --bin "$clients_venv/bin" "$@"
}
