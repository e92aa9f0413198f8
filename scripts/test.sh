# ./run test [GROUP…] [--rounds N] [--seed S] [--engine E]: every test, or the named groups. The last line
# counts them all.
#   unit        every room's tests under AddressSanitizer and UndefinedBehaviorSanitizer
#   gcc         both compilers must build, the benchmarks too; GCC's build runs the same tests
#   tidy        the house rules, and each archive against its declared needs
#   demo        the incident that does not happen, step by step, with the sanitized binary
#   differential  20,000 seeded cases of the Cedar engine, sanitized, against the reference implementation
#   acceptance  the sanitized binary with real AWS clients, hostile input and faults
#   aws         every AWS operation understood as well as docs/aws-coverage.md says, with bars that fail
#   aws-compat  moto's own tests through the gate, none failing that passes directly (not part of the default)
#   ledger      the ledger's files under judges of other make, sound and damaged
#   sim         2,000 seeded runs of a whole gateway in virtual time, with faults, half of them sanitized
#   kill        kill -9 of a working server at random moments, N times (50) on each engine: nothing lost or twice
#   tsan        the rooms that share state between threads, under ThreadSanitizer (not part of the default)
test_groups=(unit gcc differential tidy demo acceptance aws ledger sim kill)
kill_rounds="" # --rounds and --seed; without a group, a fixed seed
kill_seed=""
kill_engine="" # --engine; both without
passed=0
failed=0
failures=()

# count NAME PASSED FAILED
count() {
  passed=$((passed + $2))
  failed=$((failed + $3))
  if [ "$3" != 0 ]; then failures+=("$1"); fi
  return 0
}

# Runs every test program of a preset and counts its tests.
run_test_programs() {
  local preset="$1"
  local logs="build/$preset/test-logs"
  rm -rf "$logs"
  mkdir -p "$logs"
  find "build/$preset/src" -name 'keyturn_*_test' -type f -executable | sort >"$logs/programs"
  # shellcheck disable=SC2016
  xargs -P "$jobs" -I{} bash -c '"$1" >"$2/$(basename "$1").log" 2>&1; echo $? >"$2/$(basename "$1").code"' \
    _ {} "$logs" <"$logs/programs" || true
  local program name good bad
  while read -r program; do
    name="$(basename "$program")"
    good="$(sed -n 's/^\[  PASSED  \] \([0-9]*\) tests\?\..*/\1/p' "$logs/$name.log")"
    bad="$(sed -n 's/^ *\([0-9]*\) FAILED TESTS\?$/\1/p' "$logs/$name.log")"
    if [ "$(cat "$logs/$name.code")" != 0 ] && [ "${bad:-0}" = 0 ]; then bad=1; fi
    if [ "${good:-0}" = 0 ] && [ "${bad:-0}" = 0 ]; then bad=1; fi
    printf '  %-28s %4s passed, %s failed\n' "$name" "${good:-0}" "${bad:-0}"
    if [ "${bad:-0}" != 0 ]; then
      grep -E -B12 '^\[  FAILED  \]|ERROR: |SUMMARY: |runtime error:|broken invariant' "$logs/$name.log" |
        head -120 || true
      tail -5 "$logs/$name.log"
    fi
    count "$preset $name" "${good:-0}" "${bad:-0}"
  done <"$logs/programs"
}

test_unit() {
  build_preset asan || return 1
  ASAN_OPTIONS=detect_stack_use_after_return=1 UBSAN_OPTIONS=print_stacktrace=1 run_test_programs asan
}

test_gcc() {
  build_preset gcc all benches || return 1
  run_test_programs gcc
}

test_tsan() {
  build_preset tsan || return 1
  TSAN_OPTIONS=halt_on_error=1 run_test_programs tsan
}

test_tidy() {
  . scripts/tidy.sh
  if verb_tidy gcc; then count tidy 1 0; else count tidy 0 1; fi
  . scripts/format.sh
  if verb_format --check; then count format 1 0; else count format 0 1; fi
}

test_differential() {
  . scripts/fuzz_cedar.sh
  if differential_slice; then count differential 1 0; else count differential 0 1; fi
}

test_demo() {
  . scripts/demo.sh
  need_clients || return 1
  build_preset asan keyturn || return 1
  if play_demo build/asan/src/cli/keyturn --yes; then count demo 1 0; else count demo 0 1; fi
}

test_acceptance() {
  . scripts/acceptance.sh
  run_acceptance
}

test_aws() {
  . scripts/aws.sh
  run_aws_judges
}

test_aws-compat() {
  . scripts/aws_compat.sh
  run_compat
}

test_ledger() {
  . scripts/ledger.sh
  run_ledger_referees
}

test_sim() {
  . scripts/sim.sh
  # Half of them sanitized, which takes twice as long; every fault that they find replays.
  export ASAN_OPTIONS=malloc_context_size=2:quarantine_size_mb=8:detect_stack_use_after_return=0
  if run_sim asan 1000 1; then count "sim sanitized" 1 0; else count "sim sanitized" 0 1; fi
  unset ASAN_OPTIONS
  if run_sim gcc 1000 1001; then count "sim gcc" 1 0; else count "sim gcc" 0 1; fi
}

test_kill() {
  . scripts/kill.sh
  local engine
  for engine in ${kill_engine:-sqlite postgres}; do
    if run_kill "$engine" "${kill_rounds:-50}" "$kill_seed"; then
      count "kill $engine" 1 0
    else
      count "kill $engine" 0 1
    fi
  done
}

verb_test() {
  local groups=()
  while [ $# -gt 0 ]; do
    case "$1" in
      --rounds | --seed)
        [[ "${2:-}" =~ ^[0-9]+$ ]] || die "\`$1\` needs a number"
        if [ "$1" = --rounds ]; then kill_rounds="$2"; else kill_seed="$2"; fi
        shift 2
        ;;
      --engine)
        [[ "${2:-}" =~ ^(sqlite|postgres)$ ]] || die "\`--engine\` is sqlite or postgres"
        kill_engine="$2"
        shift 2
        ;;
      *)
        groups+=("$1")
        shift
        ;;
    esac
  done
  if [ ${#groups[@]} -eq 0 ]; then
    groups=("${test_groups[@]}")
    kill_seed="${kill_seed:-5}"
  fi
  local group started
  for group in "${groups[@]}"; do
    declare -F "test_$group" >/dev/null || die "unknown test group \`$group\`"
    say "test $group"
    started=$SECONDS
    if ! "test_$group"; then count "$group" 0 1; fi
    say "test $group took $((SECONDS - started)) s"
  done
  if [ ${#failures[@]} -gt 0 ]; then printf 'failed: %s\n' "${failures[@]}"; fi
  echo "$passed passed, $failed failed"
  [ "$failed" = 0 ]
}
