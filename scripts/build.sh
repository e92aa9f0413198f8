# ./run build [PRESET] [TARGET…]
verb_build() {
  local preset="${1:-release}"
  [ $# -gt 0 ] && shift
  build_preset "$preset" "$@"
}
