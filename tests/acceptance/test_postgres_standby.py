"""A gateway that stands still and wakes after another has taken over: it commits nothing and executes nothing."""

import copy
import os
import shutil
import signal
import time
import urllib.error
import urllib.request

import cluster as postgres
import harness
import pytest
import world as aws
from botocore.exceptions import BotoCoreError, ClientError

CONFIG = harness.CONFIG.replace('tier = "development"', 'tier = "production"').replace(
    'path = "{data}"', 'path = "{data}"\npostgres = "POSTGRES"')


def standby_of(gate, folder):
    """The same gate on other ports, over the same database, with the same keys."""
    other = copy.copy(gate)
    other.folder, other.data = str(folder), str(folder / "data")
    other.config, other.log_path = str(folder / "keyturn.toml"), str(folder / "keyturn.log")
    shutil.copytree(gate.data, other.data, ignore=shutil.ignore_patterns("ledger"))
    other.api_port, other.aws_port = aws.free_port(), aws.free_port()
    other.url = f"http://127.0.0.1:{other.aws_port}"
    with open(gate.config, encoding="utf-8") as file:
        text = file.read()
    for old, new in ((gate.data, other.data), (f"api_port = {gate.api_port}", f"api_port = {other.api_port}"),
                     (f"aws_port = {gate.aws_port}", f"aws_port = {other.aws_port}")):
        assert old in text
        text = text.replace(old, new)
    with open(other.config, "w", encoding="utf-8") as file:
        file.write(text)
    return other


def start_as_a_supervisor_would(gate, seconds=90):
    """Again and again until it may."""
    refused = 0
    deadline = time.monotonic() + seconds
    while True:
        gate.spawn()
        try:
            aws.wait_for_port(gate.aws_port, gate.process, "keyturn serve")
            return refused
        except RuntimeError:
            assert gate.process.poll() is not None and time.monotonic() < deadline, gate.log_tail()
            refused += 1


def readiness(gate):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{gate.api_port}/readyz", timeout=20) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


def answer_to_delete(agent):
    try:
        agent.delete_table(TableName="orders")
    except ClientError as error:
        return error.response["Error"]["Code"] + " " + str(error)
    except BotoCoreError as error:
        return str(error)
    return "executed"


@pytest.fixture
def pair(world, tmp_path):
    with postgres.running() as cluster:
        first = harness.Keyturn(str(tmp_path / "first"), world.url, world.key,
                                config=CONFIG.replace("POSTGRES", cluster.dsn()))
        os.makedirs(tmp_path / "second")
        second = standby_of(first, tmp_path / "second")
        try:
            yield first, second
        finally:
            for gate in (first, second):
                if gate.process.poll() is None:
                    gate.process.send_signal(signal.SIGCONT)
                    gate.kill()


def test_who_wakes_after_a_take_over_executes_nothing_and_there_is_one_history(pair, world):
    first, second = pair
    direct = harness.client("dynamodb", world.url, harness.upstream_credentials(world))
    direct.create_table(TableName="orders", BillingMode="PAY_PER_REQUEST",
                        AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}],
                        KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}])
    keys = first.session()
    at_first = harness.client("dynamodb", first.url, keys)
    at_second = harness.client("dynamodb", second.url, keys)
    assert "held as CHG-1" in answer_to_delete(at_first)
    first.run("approve", "CHG-1", "--words", "checked", who="bob")
    before = first.ledger()
    first.process.send_signal(signal.SIGSTOP)
    start_as_a_supervisor_would(second)
    # Opened at the first with one review there, approved and executed at the second.
    second.run("approve", "CHG-1", "--words", "checked", who="carol")
    harness.wait_until(lambda: answer_to_delete(at_second) == "executed", "the approved change is executed")
    assert direct.list_tables()["TableNames"] == []
    first.process.send_signal(signal.SIGCONT)
    direct.create_table(TableName="orders", BillingMode="PAY_PER_REQUEST",
                        AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}],
                        KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}])
    for _ in range(5):
        answer = answer_to_delete(at_first)
        assert answer != "executed" and "held as" not in answer, answer
    harness.wait_until(lambda: readiness(first) == 503, "the first is not ready")
    assert direct.list_tables()["TableNames"] == ["orders"]
    assert [line for line in first.error_lines() if "store.lease_lost" in line]
    assert readiness(second) == 200
    after = second.ledger()
    assert after[:len(before)] == before
    kinds = [entry["kind"] for entry in after]
    assert kinds.count("grant.used") == 1
    second.run("ledger", "verify", who="root")
    assert second.error_lines() == []
    direct.delete_table(TableName="orders")
