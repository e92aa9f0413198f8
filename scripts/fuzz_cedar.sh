# ./run fuzz cedar [--seconds N] [--seed N]: holds the Cedar engine against the reference implementation's
# WebAssembly build (npm @cedar-policy/cedar-wasm). Without --seconds it runs the 20,000 cases of CI.
fuzz_cedar() {
  local seconds="$1" seed="$2"
  need_command node nodejs
  need_command npm npm
  build_preset release cedar_answers keyturn_cedar_testdata || return 1
  local folder="$cache_dir/cedar-differential"
  mkdir -p "$folder"
  cp fuzz/differential/*.mjs fuzz/differential/package.json "$folder/"
  if [ ! -d "$folder/node_modules/@cedar-policy/cedar-wasm" ]; then
    say "fetching npm @cedar-policy/cedar-wasm"
    (cd "$folder" && npm install --silent --no-audit --no-fund) || die "npm install failed"
  fi
  local limit=(--cases 20000)
  [ "$seconds" = 0 ] || limit=(--cases 1000000000 --seconds "$seconds")
  say "cedar against @cedar-policy/cedar-wasm from seed $seed"
  mkdir -p build/fuzz/crashes
  node "$folder/differential.mjs" --answers build/release/fuzz/differential/cedar_answers \
    --corpus build/release/src/cedar/testdata/corpus --seed "$seed" "${limit[@]}" \
    --out build/fuzz/crashes/cedar-differential.jsonl
}
