# ./run sim SEED: one simulated run, with its trace. ./run sim [--runs N] [--first SEED] [--preset PRESET]: many.
sim_program() { echo "build/$1/src/sim/keyturn_sim"; }

# Where the runs keep their small files: in memory where there is such a place.
sim_scratch() { if [ -w /dev/shm ]; then echo /dev/shm; else echo "${TMPDIR:-/tmp}"; fi; }

# run_sim PRESET RUNS [FIRST]
run_sim() {
  build_preset "$1" keyturn_sim_run || return 1
  "$(sim_program "$1")" --runs "$2" --first "${3:-1}" --jobs "$jobs" --scratch "$(sim_scratch)" \
    --replay "./run sim --preset $1"
}

verb_sim() {
  local preset=debug runs=200 first=1 seed=""
  while [ $# -gt 0 ]; do
    case "$1" in
      --runs | --first)
        [[ "${2:-}" =~ ^[0-9]+$ ]] || die "\`$1\` needs a number"
        if [ "$1" = --runs ]; then runs="$2"; else first="$2"; fi
        shift 2
        ;;
      --preset)
        preset="${2:-}"
        shift 2
        ;;
      *)
        [[ "$1" =~ ^[0-9]+$ ]] || die "\`$1\` is no seed; ./run sim [SEED] [--runs N] [--first SEED]"
        seed="$1"
        shift
        ;;
    esac
  done
  if [ -z "$seed" ]; then
    run_sim "$preset" "$runs" "$first"
    return
  fi
  build_preset "$preset" keyturn_sim_run
  "$(sim_program "$preset")" "$seed" --scratch "$(sim_scratch)"
}
