# ./run fuzz [TARGET…] [--seconds N]: libFuzzer targets with their oracles; every target when none is named.
# `./run fuzz cedar` is the differential test of the Cedar engine.
# fuzz/seeds/TARGET holds what a target begins with; what it finds is kept in build/fuzz/corpus.
# A crash is kept in build/fuzz/crashes and replays with: build/fuzz/fuzz/TARGET FILE
verb_fuzz() {
  if [ "${1:-}" = cedar ]; then
    shift
    local cedar_seconds=0 cedar_seed=1
    while [ $# -gt 0 ]; do
      case "$1" in
        --seconds) cedar_seconds="${2:?--seconds needs a number}" ;;
        --seed) cedar_seed="${2:?--seed needs a number}" ;;
        *) die "unknown argument \`$1\`" ;;
      esac
      shift 2
    done
    . scripts/fuzz_cedar.sh
    fuzz_cedar "$cedar_seconds" "$cedar_seed"
    return
  fi
  local seconds=60
  local targets=()
  while [ $# -gt 0 ]; do
    case "$1" in
      --seconds)
        seconds="${2:?--seconds needs a number}"
        shift 2
        ;;
      *)
        targets+=("$1")
        shift
        ;;
    esac
  done
  build_preset fuzz || return 1
  [ ${#targets[@]} -gt 0 ] || mapfile -t targets < <(find build/fuzz/fuzz -maxdepth 1 -type f -executable \
    -printf '%f\n' | sort)
  mkdir -p build/fuzz/crashes build/fuzz/corpus
  local target bad=0 seeds
  for target in "${targets[@]}"; do
    say "fuzz $target for $seconds s"
    mkdir -p "build/fuzz/corpus/$target"
    seeds=()
    [ -d "fuzz/seeds/$target" ] && seeds=("fuzz/seeds/$target")
    "build/fuzz/fuzz/$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
      -artifact_prefix="build/fuzz/crashes/$target-" "build/fuzz/corpus/$target" "${seeds[@]}" 2>&1 |
      grep -E 'ERROR|SUMMARY|stat::number_of_executed_units|artifact' || true
    [ "${PIPESTATUS[0]}" = 0 ] || bad=1
  done
  return "$bad"
}
