"""The tables' owner and the server's role are two: the server works, and cannot change its own record."""

import cluster as postgres
import harness
import pytest

CONFIG = harness.CONFIG.replace('path = "{data}"', 'path = "{data}"\npostgres = "POSTGRES"')


@pytest.fixture(scope="module")
def cluster():
    with postgres.running() as made:
        made.sql("CREATE ROLE agent_gate LOGIN")
        yield made


@pytest.fixture(scope="module")
def owner_config(cluster, tmp_path_factory):
    """For `store migrate` alone; its folder has no keys and needs none."""
    path = tmp_path_factory.mktemp("owner") / "keyturn.toml"
    path.write_text(f'[data]\npath = "{path.parent}/data"\npostgres = "{cluster.dsn()}"\n')
    return str(path)


def migrate(gate_or_run, owner_config, expected=0):
    return gate_or_run("store", "migrate", "--config", owner_config, "--role", "agent_gate", expected=expected)


@pytest.fixture(scope="module")
def gate(world, cluster, owner_config, tmp_path_factory):
    bare = object.__new__(harness.Keyturn)
    bare.folder, bare.api_port, bare.tokens = str(tmp_path_factory.mktemp("bare")), 1, {}
    migrate(bare.run, owner_config)
    made = harness.Keyturn(str(tmp_path_factory.mktemp("keyturn")), world.url, world.key,
                           config=CONFIG.replace("POSTGRES", cluster.dsn("agent_gate")))
    yield made
    made.stop()
    assert made.error_lines() == []


def log_text(gate):
    with open(gate.log_path, encoding="utf-8") as file:
        return file.read()


def test_everything_works_and_nothing_of_the_log_can_be_changed(gate, cluster, world):
    agent = harness.client("dynamodb", gate.url, gate.session())
    agent.create_table(TableName="mine", BillingMode="PAY_PER_REQUEST",
                       AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}],
                       KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}])
    harness.client("dynamodb", world.url, harness.upstream_credentials(world)).delete_table(TableName="mine")
    gate.run("ledger", "verify", who="root")
    kinds = [entry["kind"] for entry in gate.ledger()]
    assert "action.decided" in kinds and "action.outcome" in kinds
    before = cluster.sql("SELECT count(*), max(entry_index) FROM keyturn.ledger_entries")
    for sql in ("UPDATE keyturn.ledger_entries SET text = 'x'", "DELETE FROM keyturn.ledger_entries",
                "TRUNCATE keyturn.ledger_entries", "DROP TABLE keyturn.ledger_entries",
                "ALTER TABLE keyturn.ledger_entries DISABLE TRIGGER ALL",
                "DROP TRIGGER ledger_entries_update ON keyturn.ledger_entries",
                "DELETE FROM keyturn.ledger_head", "TRUNCATE keyturn.ledger_head",
                "UPDATE keyturn.ledger_head SET id = 2", "UPDATE keyturn.ledger_head SET size = 0",
                "UPDATE keyturn.ledger_contents SET content = 'x'",
                "CREATE OR REPLACE FUNCTION keyturn.ledger_refuse() RETURNS trigger LANGUAGE plpgsql AS "
                "'BEGIN RETURN NEW; END'",
                "CREATE TABLE keyturn.mine (id int)", "SET session_replication_role = replica"):
        done = cluster.ask(sql, "agent_gate")
        assert done.returncode != 0 and any(why in done.stderr for why in (
            "permission denied", "must be owner", "never shrinks")), f"{sql}: {done.stdout}{done.stderr}"
    assert cluster.sql("SELECT count(*), max(entry_index) FROM keyturn.ledger_entries") == before
    assert "ledger.role_may_change_it" not in log_text(gate)


def test_the_owner_changes_no_table_under_a_server_that_works(gate, cluster, owner_config):
    migrate(gate.run, owner_config)  # there is nothing to change
    steps = "keyturn.store_migrations WHERE room = 'ledger' AND number = 2"
    cluster.sql(f"CREATE TABLE keyturn.newest AS SELECT * FROM {steps}")
    cluster.sql(f"DELETE FROM {steps}")
    refused = migrate(gate.run, owner_config, expected=None)
    assert refused.returncode != 0 and "1 other gateways write to it" in refused.stderr, refused.stderr
    cluster.sql("INSERT INTO keyturn.store_migrations SELECT * FROM keyturn.newest")
    cluster.sql("DROP TABLE keyturn.newest")


def test_an_older_schema_is_refused_until_its_owner_migrates(gate, cluster, owner_config):
    gate.stop()
    # As an older version left it: the newest step of one room has not run.
    number = cluster.sql("DELETE FROM keyturn.store_migrations WHERE room = 'ledger' AND number = "
                         "(SELECT max(number) FROM keyturn.store_migrations WHERE room = 'ledger') RETURNING number")
    cluster.sql("ALTER TABLE keyturn.ledger_contents RENAME TO kept")
    refused = gate.run("serve", "--config", gate.config, expected=None)
    assert refused.returncode != 0, refused.stdout
    assert "older than this program" in refused.stderr and "keyturn store migrate" in refused.stderr
    migrate(gate.run, owner_config)
    assert number.split()[0] == "2"
    cluster.sql("DROP TABLE keyturn.ledger_contents")
    cluster.sql("ALTER TABLE keyturn.kept RENAME TO ledger_contents")
    gate.start()
    gate.run("ledger", "verify", who="root")


def test_a_server_that_owns_its_tables_says_so(gate, cluster):
    gate.stop()
    with open(gate.config, encoding="utf-8") as file:
        text = file.read()
    with open(gate.config, "w", encoding="utf-8") as file:
        file.write(text.replace("user=agent_gate", "user=keyturn"))
    gate.start()
    assert "ledger.role_may_change_it" in log_text(gate)
    gate.stop()
    with open(gate.config, "w", encoding="utf-8") as file:
        file.write(text)
    gate.start()


def test_a_database_that_nobody_has_migrated_is_refused(gate, cluster, tmp_path):
    cluster.sql("CREATE DATABASE empty")
    config = tmp_path / "keyturn.toml"
    dsn = cluster.dsn("agent_gate").replace("dbname=postgres", "dbname=empty")
    config.write_text(f'[data]\npath = "{tmp_path}/data"\npostgres = "{dsn}"\n')
    refused = gate.run("init", "--config", str(config), "--person", "root", expected=None)
    assert refused.returncode != 0 and "keyturn store migrate" in refused.stderr, refused.stderr
