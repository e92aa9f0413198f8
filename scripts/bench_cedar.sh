# ./run bench cedar: the Cedar engine beside the Go module cedar-go and the Rust crate cedar-policy, the same
# stores and requests for all three. A baseline whose toolchain is missing or too old is left out, and said so.
cedar_go_least=1.21  # fetches the release that go.mod names by itself
cedar_rust_least=1.89

# at_least HAVE WANT: version numbers compared
at_least() { [ "$(printf '%s\n%s\n' "$2" "$1" | sort -V | head -1)" = "$2" ]; }

have_go() {
  local version
  version="$(go env GOVERSION 2>/dev/null | sed 's/^go//')"
  [ -n "$version" ] && at_least "$version" "$cedar_go_least" && return 0
  say "leaving out cedar-go: it needs Go $cedar_go_least or later, here is ${version:-none}; install a newer Go and put \`go\` on the PATH"
  return 1
}

have_rust() {
  local version
  version="$(cargo --version 2>/dev/null | cut -d' ' -f2)"
  [ -n "$version" ] && at_least "$version" "$cedar_rust_least" && return 0
  say "leaving out the Rust crate: it needs cargo $cedar_rust_least or later, here is ${version:-none}; install a newer Rust and put \`cargo\` on the PATH"
  return 1
}

bench_cedar() {
  build_preset release bench_cedar keyturn_cedar_testdata || return 1
  local work="build/release/bench/cedar/workloads" corpus="build/release/src/cedar/testdata/corpus"
  local tools="$cache_dir/cedar-bench" others=()
  rm -rf "$work"
  mkdir -p "$work" "$tools/rust/src"
  if have_go; then
    (cd bench/cedar/go && GOTOOLCHAIN=auto go build -o "$tools/cedar-go" .) || return 1
    others+=("cedar-go")
  fi
  if have_rust; then
    # Beside the cache, so that the lock file that cargo writes stays out of the sources.
    cp bench/cedar/rust/Cargo.toml "$tools/rust/"
    cp bench/cedar/rust/src/main.rs "$tools/rust/src/"
    say "building the Rust baseline; the first time takes some minutes"
    (cd "$tools/rust" && cargo build --release --quiet -j "$jobs") || return 1
    cp "$tools/rust/target/release/keyturn-bench-cedar" "$tools/rust-crate"
    others+=("rust")
  fi
  say "keyturn answers"
  build/release/bench/cedar/bench_cedar "$work" "$corpus" >"$work/ours.rows" || return 1
  local name program columns=()
  for name in "${others[@]}"; do
    say "$name answers"
    program="$tools/$name"
    [ "$name" = rust ] && program="$tools/rust-crate"
    "$program" "$work" "$corpus" >"$work/$name.rows" || return 1
    columns+=("$name=$work/$name.rows")
  done
  python3 bench/cedar/compare.py "$work/ours.rows" "${columns[@]}" || return 1
  rm -f "$work"/*.jsonl
}
