# moto's own server-mode tests, directly and through the gate. Their source comes from PyPI and is not kept here.
. scripts/clients.sh

compat_requirements=tests/aws_compat/requirements.txt
compat_venv="$cache_dir/aws_compat-$(cat "$compat_requirements" "$clients_requirements" | sha256sum | cut -c1-12)"

need_compat() {
  [ -f "$compat_venv/ready" ] && return 0
  mkdir -p "$cache_dir"
  need_packages python3 python3-venv
  say "installing from PyPI: moto with its tests"
  rm -rf "$compat_venv"
  /usr/bin/python3 -m venv "$compat_venv" || return 1
  "$compat_venv/bin/pip" install --quiet --disable-pip-version-check -r "$compat_requirements" ||
    die "pip could not install $compat_requirements"
  local moto
  moto="$(sed -n 's/^moto\[server\]==//p' "$clients_requirements")"
  (cd "$compat_venv" &&
    bin/pip download --quiet --disable-pip-version-check --no-deps --no-binary moto "moto==$moto" &&
    tar xzf "moto-$moto.tar.gz" && mv "moto-$moto" moto) || die "pip could not fetch moto $moto as source"
  touch "$compat_venv/ready"
}

run_compat() {
  need_compat || return 1
  build_preset release keyturn || return 1
  local log="build/aws_compat.log" code=0
  "$compat_venv/bin/python" tests/aws_compat/run.py --keyturn build/release/src/cli/keyturn \
    --moto "$compat_venv/moto" --docs docs/aws-compat.md 2>&1 | tee "$log" || code=$?
  local good bad
  good="$(sed -n 's/^\([0-9]*\) passed, [0-9]* failed$/\1/p' "$log")"
  bad="$(sed -n 's/^[0-9]* passed, \([0-9]*\) failed$/\1/p' "$log")"
  if [ "$code" != 0 ] && [ "${bad:-0}" = 0 ]; then bad=1; fi
  count aws-compat "${good:-0}" "${bad:-0}"
}
