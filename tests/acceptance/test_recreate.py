"""Delete and recreate, the incident: with boto3 through the gate, in one session and in two."""

import hashlib
import json
import os

import harness


def create(agent, name):
    agent.create_table(TableName=name, BillingMode="PAY_PER_REQUEST",
                       AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
                       KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}])


def recreated(gate):
    """What the decisions' records say of creations, oldest first."""
    found = []
    for entry in gate.ledger():
        if entry["kind"] != "action.decided":
            continue
        action = json.loads(entry["text"])["body"]["action"]
        if action["operation"] == "CreateTable":
            found.append(action["attributes"].get("recreate", []))
    return found


def test_making_again_what_the_session_destroyed_is_marked_with_the_pair(gate):
    agent = harness.client("dynamodb", gate.url, gate.session())
    create(agent, "sums")
    agent.delete_table(TableName="sums")
    create(agent, "sums")
    first, second = recreated(gate)
    assert first == []
    assert len(second) == 1
    assert "table/sums was destroyed earlier in this session and is made again" in second[0]


def test_another_session_did_not_destroy_it(gate):
    agent = harness.client("dynamodb", gate.url, gate.session())
    create(agent, "rates")
    agent.delete_table(TableName="rates")
    other = harness.client("dynamodb", gate.url, gate.session())
    create(other, "rates")
    assert recreated(gate)[-1] == []


def test_each_decision_names_the_model_that_understood_it(gate):
    harness.client("dynamodb", gate.url, gate.session()).list_tables()
    with open(os.path.join(harness.ROOT, "data", "aws", "model.tsv"), "rb") as file:
        digest = hashlib.sha256(file.read()).hexdigest()
    decided = [json.loads(entry["text"])["body"] for entry in gate.ledger() if entry["kind"] == "action.decided"]
    assert decided[-1]["action"]["operation"] == "ListTables"
    assert decided[-1]["model_digest"] == digest
