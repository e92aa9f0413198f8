# ./run bench gateway: the gateway beside nginx as a plain reverse proxy.
bench_gateway() {
  . scripts/clients.sh
  need_clients || return 1
  need_command nginx nginx
  need_command curl curl
  build_preset release keyturn bench_gateway_load bench_gateway_unrecorded || return 1
  PATH="$PATH:/usr/sbin" "$clients_venv/bin/python" bench/gateway/gateway.py
}
