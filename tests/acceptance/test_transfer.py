"""Copies of the record: a backup beside a working server, and SQLite to PostgreSQL and back."""

import os
import shutil
import stat

import harness
import pytest
from test_postgres import cluster  # noqa: F401, a fixture

KEYS = ("sealing.key", "ledger.key")


@pytest.fixture(scope="module")
def gate(world, tmp_path_factory):
    made = harness.Keyturn(str(tmp_path_factory.mktemp("keyturn")), world.url, world.key)
    made.session()
    harness.wait_until(lambda: os.path.exists(os.path.join(made.data, "ledger", "checkpoint")), "a checkpoint")
    yield made
    made.stop()
    assert made.error_lines() == []


def beside(gate, folder, postgres=None):
    """The configuration of the same installation with its data elsewhere; the keys are brought by hand."""
    os.makedirs(folder, mode=0o700, exist_ok=True)
    for key in KEYS:
        shutil.copy(os.path.join(gate.data, key), folder)
    path = str(folder) + ".toml"
    with open(gate.config, encoding="utf-8") as file:
        text = file.read().replace(gate.data, str(folder))
    if postgres:
        text = text.replace(f'path = "{folder}"', f'path = "{folder}"\npostgres = "{postgres}"')
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return path


def serve_from(gate, config):
    gate.config, before = config, gate.config
    try:
        gate.start()
        entries = gate.ledger()
        gate.stop()
        return entries
    finally:
        gate.config = before


def modes(folder):
    return {stat.S_IMODE(os.stat(os.path.join(folder, name)).st_mode) for name in os.listdir(folder)
            if os.path.isfile(os.path.join(folder, name))}


def test_a_backup_of_a_working_server_is_private_whole_and_can_be_served(gate, tmp_path):
    dest = tmp_path / "copy"
    before = gate.ledger()
    said = gate.run("backup", str(dest), "--config", gate.config).stdout
    assert f"{len(before)} ledger entries" in said, said
    assert stat.S_IMODE(os.stat(dest).st_mode) == 0o700 and modes(dest) == {0o600}
    assert not any(os.path.exists(dest / key) for key in KEYS)
    again = gate.run("backup", str(dest), "--config", gate.config, expected=1)
    assert "File exists" in again.stderr, again.stderr
    key = gate.run("ledger", "key", "--config", gate.config).stdout.strip()
    gate.run("ledger", "verify", str(dest / "ledger"), "--key", key)
    gate.stop()
    assert serve_from(gate, beside(gate, dest))[:len(before)] == before
    gate.start()


def test_a_backup_that_fails_leaves_nothing_behind(gate, tmp_path):
    dest = tmp_path / "copy"
    folder = tmp_path / "damaged"
    gate.stop()
    shutil.copytree(gate.data, folder)
    gate.start()
    checkpoint = folder / "ledger" / "checkpoint"
    lines = checkpoint.read_text().splitlines()
    checkpoint.write_text("\n".join([lines[0], str(int(lines[1]) + 1), *lines[2:]]) + "\n")
    failed = gate.run("backup", str(dest), "--config", beside(gate, folder), expected=1)
    assert "the backup is not good" in failed.stderr, failed.stderr
    assert not os.path.exists(dest)


def test_sqlite_to_postgres_and_back_keeps_every_row_and_the_root(gate, cluster, tmp_path):  # noqa: F811
    before = gate.ledger()
    first = tmp_path / "first.jsonl"
    refused = gate.run("store", "export", str(first), "--config", gate.config, expected=1)
    assert "must not run" in refused.stderr and not os.path.exists(first), refused.stderr
    gate.stop()
    said = gate.run("store", "export", str(first), "--config", gate.config).stdout
    assert stat.S_IMODE(os.stat(first).st_mode) == 0o600
    root = said.split()[-1]
    exports = [first]
    for name, postgres in (("pg", cluster), ("back", None)):
        config = beside(gate, tmp_path / name, postgres)
        said = gate.run("store", "import", str(exports[-1]), "--config", config).stdout
        assert f"the same root {root}" in said, said
        twice = gate.run("store", "import", str(exports[-1]), "--config", config, expected=1)
        assert "not empty" in twice.stderr, twice.stderr
        exports.append(tmp_path / f"{name}.jsonl")
        gate.run("store", "export", str(exports[-1]), "--config", config)
        assert exports[-1].read_bytes() == first.read_bytes()
        # A new life on the other engine: the record goes on where it was.
        assert serve_from(gate, config)[:len(before)] == before
    gate.start()


def test_an_import_that_did_not_end_is_never_served(gate, tmp_path):
    whole, half = tmp_path / "whole.jsonl", tmp_path / "half.jsonl"
    gate.stop()
    gate.run("store", "export", str(whole), "--config", gate.config)
    gate.start()
    lines = whole.read_bytes().splitlines(keepends=True)
    half.write_bytes(b"".join(lines[:len(lines) // 2]))
    config = beside(gate, tmp_path / "half")
    cut = gate.run("store", "import", str(half), "--config", config, expected=1)
    assert "cut off" in cut.stderr, cut.stderr
    refused = gate.run("serve", "--config", config, expected=1)
    assert "an import into this database did not end well" in refused.stderr, refused.stderr
