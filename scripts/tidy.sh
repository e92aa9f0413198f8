# ./run tidy: the house rules, read from the tree and from the archives of a build.
verb_tidy() {
  need_command python3 python3
  python3 scripts/tidy/tidy_test.py 2>&1 | tail -1
  local preset="${1:-debug}"
  if [ -f "build/$preset/rooms.json" ]; then
    python3 scripts/tidy/tidy.py . "build/$preset/rooms.json"
  else
    python3 scripts/tidy/tidy.py .
  fi
}
