"""A secret in a request's parameters: erased from everywhere, and the log still verifies."""

import os

import harness
import pytest

SECRET = "sk-live-4f9a17c2"


def files_with(gate, text):
    found = []
    for folder, _, names in os.walk(gate.data):
        for name in names:
            with open(os.path.join(folder, name), "rb") as file:
                if text.encode() in file.read():
                    found.append(name)
    return found


def test_a_secret_among_the_parameters_can_be_erased(gate):
    agent = harness.client("dynamodb", gate.url, gate.session())
    with pytest.raises(agent.exceptions.ResourceNotFoundException):
        agent.scan(TableName="none", FilterExpression="k = :v", ExpressionAttributeValues={":v": {"S": SECRET}})
    decided = [entry for entry in gate.ledger() if entry["kind"] == "action.decided"]
    index = str(decided[-1]["index"])
    assert SECRET in gate.run("ledger", "contents", index, who="bob").stdout
    assert SECRET not in decided[-1]["text"]
    assert gate.run("ledger", "erase", index, "--why", "a key", who="bob", expected=None).returncode != 0
    assert index in gate.run("ledger", "erase", index, "--why", "a key", who="root").stdout
    assert "nothing is kept" in gate.run("ledger", "contents", index, who="bob").stdout
    again = gate.run("ledger", "erase", index, "--why", "a key", who="root", expected=None)
    assert again.returncode != 0 and "nothing is kept beside" in again.stderr
    assert "good:" in gate.run("ledger", "verify", who="bob").stdout
    assert "0 differ" in gate.run("ledger", "replay", who="bob").stdout
    gate.stop()
    assert files_with(gate, SECRET) == []
    gate.start()
