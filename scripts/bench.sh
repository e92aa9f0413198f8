# ./run bench NAME…: measures beside a baseline, in one run. Figures are kept in docs/benchmarks.md.
verb_bench() {
  local names=("$@") name
  [ ${#names[@]} -gt 0 ] || mapfile -t names < <(cd scripts && ls bench_*.sh | sed 's/^bench_//; s/\.sh$//')
  for name in "${names[@]}"; do
    [ -f "scripts/bench_$name.sh" ] || die "unknown benchmark \`$name\`"
    say "bench $name: $(nproc) cores, $(sed -n 's/^model name\s*: //p' /proc/cpuinfo | head -1), $(uname -r)"
    . "scripts/bench_$name.sh"
    "bench_$name" || return 1
  done
}
