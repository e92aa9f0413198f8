# ./run bench ledger: durable appends beside what they stand on and beside Tessera's POSIX driver, verification
# beside SHA-256 alone, receipts of a large log. Needs about 8 GB of disk for LEDGER_BENCH_ENTRIES=10000000.
. scripts/ledger.sh

bench_ledger() {
  build_preset release bench_ledger || return 1
  local folder go tool="$cache_dir/bench-ledger-tessera" files=()
  # Beside the sources: /tmp may be memory, where syncing costs nothing.
  folder="$(mktemp -d "$PWD/build/bench-ledger.XXXXXX")"
  if go="$(find_go)"; then
    (cd bench/ledger/tessera && GOTOOLCHAIN=local GOFLAGS=-mod=readonly "$go" build -o "$tool" .) || return 1
  else
    say "leaving out Tessera: it needs Go 1.$ledger_go_minor or newer, and none is on this machine"
    tool=""
  fi
  say "keyturn on SQLite and PostgreSQL, bare SQLite, bare fdatasync"
  if ! TMPDIR=/var/tmp python3 bench/ledger/with_postgres.py build/release/bench/ledger/bench_ledger "$folder" \
    "${LEDGER_BENCH_ENTRIES:-10000000}" >"$folder/ours.rows"; then
    rm -rf "$folder"
    return 1
  fi
  files=("$folder/ours.rows")
  if [ -n "$tool" ]; then
    say "Tessera's POSIX driver"
    "$tool" "$folder" >"$folder/tessera.rows" 2>/dev/null || return 1
    files+=("$folder/tessera.rows")
  fi
  python3 bench/ledger/table.py "${files[@]}"
  rm -rf "$folder"
}
