# ./run setup: what building and testing need.
verb_setup() {
  need_toolchain
  say "ready: $(clang++-19 --version | head -1), SQLite in $sqlite_dir"
}
