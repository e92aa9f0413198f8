# Real AWS clients, and moto as AWS: pinned, from PyPI, in a virtual environment of their own.
clients_requirements=tests/acceptance/requirements.txt
clients_venv="$cache_dir/clients-$(sha256sum "$clients_requirements" | cut -c1-12)"

need_clients() {
  [ -f "$clients_venv/ready" ] && return 0
  mkdir -p "$cache_dir"
  need_packages python3 python3-venv
  say "installing from PyPI: $(grep -v '^#' "$clients_requirements" | tr '\n' ' ')"
  rm -rf "$clients_venv"
  /usr/bin/python3 -m venv "$clients_venv" || return 1
  "$clients_venv/bin/pip" install --quiet --disable-pip-version-check -r "$clients_requirements" ||
    die "pip could not install $clients_requirements"
  touch "$clients_venv/ready"
}
