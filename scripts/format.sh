# ./run format: clang-format over every source; `--check` only says which differ.
verb_format() {
  need_packages clang-format-19
  local files
  mapfile -t files < <(git ls-files -co --exclude-standard 'src/*.h' 'src/*.cc' 'cmake/*.h' 'bench/*.cc' \
    'bench/*.h' 'fuzz/*.cc')
  if [ "${1:-}" = --check ]; then
    clang-format-19 --dry-run --Werror "${files[@]}"
  else
    clang-format-19 -i "${files[@]}"
  fi
}
