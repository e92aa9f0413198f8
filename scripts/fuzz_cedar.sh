# The differential test: holds the Cedar engine against the reference implementation's WebAssembly build
# (npm @cedar-policy/cedar-wasm).

cedar_cases=20000 # of the slice that CI runs

# prepare_cedar_differential PRESET: builds the engine's half and fetches the reference's.
prepare_cedar_differential() {
  need_command node nodejs
  need_command npm npm
  build_preset "$1" cedar_answers keyturn_cedar_testdata || return 1
  cedar_differential="$cache_dir/cedar-differential"
  mkdir -p "$cedar_differential" build/fuzz/crashes
  cp fuzz/differential/*.mjs fuzz/differential/package.json "$cedar_differential/"
  if [ ! -d "$cedar_differential/node_modules/@cedar-policy/cedar-wasm" ]; then
    say "fetching npm @cedar-policy/cedar-wasm"
    (cd "$cedar_differential" && npm install --silent --no-audit --no-fund) || die "npm install failed"
  fi
}

# cedar_differential_run PRESET SEED ARGUMENT…
cedar_differential_run() {
  local preset="$1" seed="$2"
  shift 2
  node "$cedar_differential/differential.mjs" --answers "build/$preset/fuzz/differential/cedar_answers" \
    --corpus "build/$preset/src/cedar/testdata/corpus" --seed "$seed" \
    --out build/fuzz/crashes/cedar-differential.jsonl "$@"
}

# ./run fuzz cedar [--seconds N] [--seed N]: a campaign; without --seconds the cases of CI. Disagreements are
# minimised into src/cedar/testdata/differential, where keyturn_cedar_test holds the engine to them.
fuzz_cedar() {
  local seconds="$1" seed="$2"
  prepare_cedar_differential release || return 1
  local limit=(--cases "$cedar_cases")
  [ "$seconds" = 0 ] || limit=(--cases 1000000000 --seconds "$seconds")
  say "cedar against @cedar-policy/cedar-wasm from seed $seed"
  cedar_differential_run release "$seed" "${limit[@]}" --minimise src/cedar/testdata/differential
}

# The slice of CI with a sanitized engine, a share for each job. Fails when any case disagrees.
differential_slice() {
  prepare_cedar_differential asan || return 1
  local share=$(((cedar_cases + jobs - 1) / jobs)) workers=() worker bad=0 log=build/fuzz/differential-slice
  for ((worker = 0; worker < jobs; worker++)); do
    cedar_differential_run asan "$((1 + worker * share))" --cases "$share" >"$log-$worker.log" 2>&1 &
    workers+=($!)
  done
  for ((worker = 0; worker < jobs; worker++)); do
    wait "${workers[worker]}" || bad=1
    tail -20 "$log-$worker.log"
  done
  return "$bad"
}
