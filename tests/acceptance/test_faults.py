"""Faults of the machine that only a real file system has."""

import contextlib
import os
import subprocess

import harness
import pytest


@contextlib.contextmanager
def mounted(path):
    """`path` as a mount of its own, which can be made read-only under a server that works."""
    os.makedirs(path, exist_ok=True)
    done = subprocess.run(["mount", "--bind", path, path], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip(f"mounting needs root: {done.stderr}")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", path], check=True)


def remount(path, how):
    subprocess.run(["mount", "-o", f"remount,bind,{how}", path], check=True)


def log_text(gate):
    with open(gate.log_path, encoding="utf-8") as file:
        return file.read()


def test_published_files_on_a_read_only_disk_catch_up_and_nothing_waits_for_them(tmp_path, world):
    gate = harness.Keyturn(str(tmp_path / "k"), world.url, world.key)
    try:
        folder = os.path.join(gate.data, "ledger")
        with mounted(folder):
            remount(folder, "ro")
            agent = harness.client("dynamodb", gate.url, gate.session())
            agent.list_tables()
            harness.wait_until(lambda: "ledger.not_published" in log_text(gate), "the warning")
            assert "Read-only file system" in log_text(gate)
            assert log_text(gate).count("ledger.not_published") == 1
            agent.list_tables()
            remount(folder, "rw")
            harness.wait_until(lambda: "ledger.published_again" in log_text(gate), "the end of it")
            gate.run("ledger", "verify", who="root")
            gate.stop()
        key = gate.run("ledger", "key", "--config", gate.config).stdout.strip()
        gate.run("ledger", "fsck", "--config", gate.config)
        gate.run("ledger", "verify", folder, "--key", key)
        assert gate.error_lines() == []
    finally:
        gate.stop()


def test_a_read_only_data_folder_refuses_to_start_and_nothing_is_lost(tmp_path, world):
    gate = harness.Keyturn(str(tmp_path / "k"), world.url, world.key)
    try:
        before = gate.ledger()
        gate.kill()
        with mounted(gate.data):
            remount(gate.data, "ro")
            refused = gate.run("serve", "--config", gate.config, expected=None)
            assert refused.returncode == 1, refused.stdout + refused.stderr
            assert "cannot be written" in refused.stderr, refused.stderr
        gate.start()
        assert gate.ledger()[:len(before)] == before
        gate.run("ledger", "verify", who="root")
    finally:
        gate.stop()
