"""The gate over PostgreSQL: a private cluster, a held request, kill -9."""

import os

import cluster as postgres
import harness
import pytest
from botocore.exceptions import ClientError

CONFIG = harness.CONFIG.replace('tier = "development"', 'tier = "production"').replace(
    'path = "{data}"', 'path = "{data}"\npostgres = "POSTGRES"')


@pytest.fixture(scope="module")
def cluster():
    with postgres.running() as made:
        yield made.dsn()


@pytest.fixture(scope="module")
def gate(world, cluster, tmp_path_factory):
    made = harness.Keyturn(str(tmp_path_factory.mktemp("keyturn")), world.url, world.key,
                           config=CONFIG.replace("POSTGRES", cluster))
    yield made
    made.stop()
    assert made.error_lines() == []


def kinds(gate):
    return [entry["kind"] for entry in gate.ledger()]


def refusal(agent):
    """Of a request that is signed anew: after a start, those signed in its second are refused as copies."""
    def ask():
        try:
            agent.delete_table(TableName="orders")
        except ClientError as error:
            return None if error.response["Error"]["Code"] == "RequestExpired" else str(error)
        return "executed"
    return harness.wait_until(ask, "an answer other than RequestExpired")


def test_what_was_approved_runs_once_also_over_a_kill(gate, world):
    direct = harness.client("dynamodb", world.url, harness.upstream_credentials(world))
    direct.create_table(TableName="orders", BillingMode="PAY_PER_REQUEST",
                        AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}],
                        KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}])
    agent = harness.client("dynamodb", gate.url, gate.session())
    assert "held as CHG-1" in refusal(agent)
    gate.run("approve", "CHG-1", "--words", "checked", who="bob")
    gate.kill()
    gate.start()
    assert "held as CHG-1" in refusal(agent)
    gate.run("approve", "CHG-1", "--words", "checked", who="carol")
    agent.delete_table(TableName="orders")
    assert direct.list_tables()["TableNames"] == []
    before = gate.ledger()
    gate.kill()
    gate.start()
    assert gate.ledger()[:len(before)] == before
    assert "held as CHG-2" in refusal(agent)
    assert kinds(gate).count("grant.used") == 1
    assert not os.path.exists(os.path.join(gate.data, "keyturn.db"))


def test_a_new_sealing_key_is_not_made_for_an_old_database(gate, tmp_path):
    gate.stop()
    config = tmp_path / "lost.toml"
    with open(gate.config, encoding="utf-8") as file:
        config.write_text(file.read().replace(gate.data, str(tmp_path / "lost")))
    done = gate.run("init", "--config", str(config), expected=None)
    assert done.returncode != 0 and "no sealing key" in done.stderr, done.stdout + done.stderr
    assert not os.path.exists(tmp_path / "lost" / "sealing.key")
    gate.start()
