# The ledger under judges of other make: Go's sumdb libraries and Tessera's fsck, over a log of 70,000
# entries that Keyturn wrote, sound and damaged.

ledger_entries=70007  # full and partial tiles at three levels
ledger_damages=40
ledger_damaged_entries=3007  # each damage is looked for in the whole log
ledger_go_minor=24  # go.mod's: Tessera needs it; Debian 12 has 1.19

find_go() {
  local candidate version
  for candidate in go /usr/local/go/bin/go /usr/lib/go-1.*/bin/go; do
    command -v "$candidate" >/dev/null || continue
    version="$(GOTOOLCHAIN=local "$candidate" env GOVERSION 2>/dev/null)"
    version="${version#go1.}"
    if [ "${version%%.*}" -ge "$ledger_go_minor" ] 2>/dev/null; then
      echo "$candidate"
      return 0
    fi
  done
  return 1
}

# judge NAME COMMAND…: counts what the command says by its exit code.
judge() {
  local name="$1"
  shift
  if "$@" >"$ledger_folder/judge.log" 2>&1; then
    echo "  passed: $name"
    count ledger 1 0
  else
    echo "  failed: $name"
    tail -5 "$ledger_folder/judge.log"
    count "ledger: $name" 0 1
  fi
}

refuses() { ! "$@"; }

# Flips a byte of a random file and asks every judge; each must refuse.
damage_files() {
  local log="$1" key="$2" keyturn="$3" referee="$4"
  local number file size at byte missed=0 names
  mapfile -t names < <(cd "$log" && find . -type f | sort)
  RANDOM=5
  for ((number = 0; number < ledger_damages; number++)); do
    file="$log/${names[$(((RANDOM * 32768 + RANDOM) % ${#names[@]}))]}"
    if [ "$number" = 0 ]; then file="$log/checkpoint"; fi
    size="$(stat -c %s "$file")"
    at=$(((RANDOM * 32768 + RANDOM) % size))
    cp "$file" "$ledger_folder/sound"
    byte="$(od -An -tu1 -j "$at" -N 1 "$file")"
    # shellcheck disable=SC2059
    printf "\\x$(printf %x $((byte ^ 1)))" | dd of="$file" bs=1 seek="$at" conv=notrunc status=none
    if "$keyturn" ledger verify "$log" --key "$key" >/dev/null 2>&1; then
      echo "  keyturn missed byte $at of $file"
      missed=$((missed + 1))
    fi
    if [ -n "$referee" ] && [[ "$file" != *.p/* ]] && "$referee" "$log" "$key" >/dev/null 2>&1; then
      echo "  the referee missed byte $at of $file"
      missed=$((missed + 1))
    fi
    cp "$ledger_folder/sound" "$file"
  done
  [ "$missed" = 0 ]
}

run_ledger_referees() {
  build_preset asan keyturn keyturn_write_log || return 1
  ledger_folder="$(mktemp -d)"
  local keyturn="$PWD/build/asan/src/cli/keyturn"
  local log="$ledger_folder/ledger" receipt="$ledger_folder/entry.tlog-proof" key referee="" go
  key="$(build/asan/src/ledger/keyturn_write_log "$ledger_folder" "$ledger_entries")" || return 1
  judge "keyturn verifies its own log of $ledger_entries entries" \
    "$keyturn" ledger verify "$log" --key "$key"
  judge "keyturn makes a receipt" \
    "$keyturn" ledger receipt 54321 --from "$log" --key "$key" --out "$receipt"
  judge "keyturn verifies the receipt" "$keyturn" ledger verify "$receipt" --key "$key"
  judge "keyturn refuses another key" refuses "$keyturn" ledger verify "$log" --key \
    ledger.example/agents+7becfc2d+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4
  if go="$(find_go)"; then
    referee="$ledger_folder/referee"
    if ! (cd tests/ledger && GOTOOLCHAIN=local GOFLAGS=-mod=readonly "$go" build -o "$referee" .); then
      rm -rf "$ledger_folder"
      return 1
    fi
    "$referee" "$log" "$key" 54321 "$receipt" >"$ledger_folder/verdicts" 2>/dev/null
    sed 's/^/  /' "$ledger_folder/verdicts"
    count "ledger referees" "$(grep -c '^passed: ' "$ledger_folder/verdicts")" \
      "$(grep -c '^failed: ' "$ledger_folder/verdicts")"
  else
    echo "  SKIPPED: the Go referees need Go 1.$ledger_go_minor or newer, and none is on this machine"
  fi
  mkdir "$ledger_folder/small"
  key="$(build/asan/src/ledger/keyturn_write_log "$ledger_folder/small" "$ledger_damaged_entries")" ||
    return 1
  judge "$ledger_damages random damages are found" \
    damage_files "$ledger_folder/small/ledger" "$key" "$keyturn" "$referee"
  rm -rf "$ledger_folder"
}
