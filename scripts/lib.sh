# Shared by every verb: messages, the cache folder, installing what is missing, building a preset.

cache_dir="${KEYTURN_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/keyturn}"
jobs="${KEYTURN_JOBS:-$(nproc)}"

usage() {
  cat <<'TEXT'
./run VERB [ARGUMENTS]

  setup            install what building and testing need (apt, npm, PyPI), idempotent
  build [PRESET]   build: release (default), debug, asan, tsan, gcc, fuzz
  demo [--yes]     play the incident that does not happen, against a local AWS
  test [GROUP]     run every test, or one group: unit, gcc, differential, tidy, demo, acceptance, aws,
                   ledger, sim, kill (--rounds N, --seed S, --engine E), tsan
  bench [NAME]     measure beside a baseline; without a name, everything
  fuzz [TARGET]    fuzz: --seconds N
  sim [SEED]       a whole gateway in virtual time, with faults: one run's trace, or --runs N, --first SEED
  tidy             check the tree against the house rules
  format           format the sources
TEXT
}

say() { printf '\033[1m%s\033[0m\n' "== $*"; }
die() {
  echo "run: $*" >&2
  exit 1
}

as_root() {
  if [ "$(id -u)" = 0 ]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    die "\`$*\` needs root; run this as root or install sudo"
  fi
}

# Installs those of the named Debian packages that are missing.
need_packages() {
  local missing=()
  local name
  for name in "$@"; do
    if [ "$(dpkg-query -W -f='${db:Status-Status}' "$name" 2>/dev/null)" != installed ]; then
      missing+=("$name")
    fi
  done
  [ ${#missing[@]} -eq 0 ] && return 0
  say "installing Debian packages: ${missing[*]}"
  as_root apt-get update -qq
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
    "${missing[@]}" >"$cache_dir/apt.log" 2>&1 ||
    { tail -20 "$cache_dir/apt.log" >&2; die "apt-get failed; the whole log is $cache_dir/apt.log"; }
}

# A command that is on the machine already, or the Debian package that has it.
need_command() {
  command -v "$1" >/dev/null || need_packages "$2"
}

# The pinned SQLite: the public-domain amalgamation as npm's better-sqlite3 carries it. Debian's 3.40 has
# the WAL-reset bug.
sqlite_package="better-sqlite3@12.11.1"
sqlite_package_sha256="ebf0ed75a7a59dbcb3b24bbd014ef49d9f15bc328e4adcbf516f2a8fadfa2835"
sqlite_dir="$cache_dir/sqlite-12.11.1"
need_sqlite() {
  [ -f "$sqlite_dir/libsqlite3.a" ] && return 0
  need_command npm npm
  say "fetching and compiling SQLite (npm $sqlite_package), about a minute"
  local work
  work="$(mktemp -d)"
  (cd "$work" && npm pack --silent "$sqlite_package" >/dev/null) || die "npm pack $sqlite_package failed"
  local archive="$work/better-sqlite3-12.11.1.tgz"
  echo "$sqlite_package_sha256  $archive" | sha256sum --check --quiet ||
    die "$sqlite_package is not the pinned file; refusing it"
  tar -xzf "$archive" -C "$work"

  local source="$work/package/deps/sqlite3/sqlite3.c"
  mkdir -p "$sqlite_dir"
  gcc -O2 -g1 -fPIC -c "$source" -o "$work/sqlite3.o" \
    -DSQLITE_DQS=0 -DSQLITE_THREADSAFE=2 -DSQLITE_DEFAULT_MEMSTATUS=0 \
    -DSQLITE_DEFAULT_WAL_SYNCHRONOUS=2 -DSQLITE_LIKE_DOESNT_MATCH_BLOBS -DSQLITE_OMIT_DEPRECATED \
    -DSQLITE_OMIT_LOAD_EXTENSION -DSQLITE_OMIT_SHARED_CACHE -DSQLITE_TRUSTED_SCHEMA=0 \
    -DSQLITE_USE_ALLOCA
  cp "$(dirname "$source")/sqlite3.h" "$sqlite_dir/"
  ar rcs "$sqlite_dir/libsqlite3.a.new" "$work/sqlite3.o"
  mv "$sqlite_dir/libsqlite3.a.new" "$sqlite_dir/libsqlite3.a"
  rm -rf "$work"
}

build_packages=(clang-19 lld-19 clang-format-19 libclang-rt-19-dev llvm-19 g++-12 cmake ninja-build ccache
  libboost1.81-dev libboost-json1.81-dev libssl-dev libfmt-dev libcli11-dev libtomlplusplus-dev
  libexpected-dev libgtest-dev libgmock-dev librapidcheck-dev libbenchmark-dev zlib1g-dev libyaml-dev
  libpg-query-dev libpq-dev postgresql-15 python3
  python3-venv ca-certificates git)

# PostgreSQL is installed for its programs: tests start private clusters of their own. Debian's package would
# make and start a cluster for the whole machine, which is not ours to do.
forbid_default_cluster() {
  local config=/etc/postgresql-common/createcluster.conf
  grep -qs '^create_main_cluster *= *false' "$config" && return 0
  say "PostgreSQL comes without a default cluster: writing create_main_cluster = false to $config"
  as_root mkdir -p /etc/postgresql-common
  echo "create_main_cluster = false" | as_root tee -a "$config" >/dev/null
}

need_toolchain() {
  mkdir -p "$cache_dir"
  [ -d /usr/lib/postgresql/15 ] || forbid_default_cluster
  need_packages "${build_packages[@]}"
  need_sqlite
}

# build_preset PRESET [TARGET…]
build_preset() {
  local preset="$1"
  shift
  need_toolchain
  if [ ! -f "build/$preset/build.ninja" ]; then
    cmake --preset "$preset" -DKEYTURN_SQLITE="$sqlite_dir" -DKEYTURN_PCH="$cache_dir/pch" \
      >/dev/null
  fi
  local targets=()
  [ $# -gt 0 ] && targets=(--target "$@")
  cmake --build "build/$preset" -j "$jobs" "${targets[@]}"
}
