# The kill test: a real server, real clients, kill -9. The sanitized binary up to a hundred rounds, the
# released one beyond.
. scripts/clients.sh

kill_sanitized_rounds_max=100

# run_kill ENGINE ROUNDS [SEED]; over PostgreSQL, two gateways.
run_kill() {
  local engine="$1" rounds="$2" seed="$3" preset=asan gateways=1
  [ "$engine" != postgres ] || gateways=2
  [ "$rounds" -le "$kill_sanitized_rounds_max" ] || preset=release
  need_clients || return 1
  build_preset "$preset" keyturn || return 1
  ACCEPTANCE_KEYTURN="$PWD/build/$preset/src/cli/keyturn" "$clients_venv/bin/python" tests/kill/kill.py \
    --engine "$engine" --gateways "$gateways" --rounds "$rounds" ${seed:+--seed "$seed"}
}
