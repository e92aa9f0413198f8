"""Unmodified clients do the same through the gate as directly: same operations, same results."""

import json
import os
import re
import subprocess
import sys
import time

import harness
import pytest

HERE = os.path.dirname(os.path.abspath(__file__))

# moto's judge of signatures fails clients that are right, directly too (GET of lambda and route53), so here
# it does not judge; the demo and test_bad_input.py have it judge what the gate signs.
UNCHECKED = 1_000_000

# What differs between two runs of the same thing: ids, times, ports, request ids.
VOLATILE = [
    (r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "UUID"),
    (r"\b(vpc|sg|subnet|igw|dopt|acl)-[0-9a-f]{8,17}\b", r"\1-ID"),
    (r"datetime\.datetime\([^)]*\)(?:\))?", "TIME"),
    (r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)?", "TIME"),
    (r"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT", "TIME"),
    (r"\b1[6-9]\d{8}(\.\d+|\d{3})?\b", "TIME"),
    (r"127\.0\.0\.1:\d+", "HOST"),
    (r"/[^ ]*/(big|copy)\.bin", r"/\1.bin"),
    (r'UserId(\\*": ?\\*")[a-z0-9]{20}', r"UserId\1ID"),
    (r"AID[A-Z0-9]{13,}|AKIA[A-Z0-9]{16}", "ID"),
]


def steady(text):
    for pattern, instead in VOLATILE:
        text = re.sub(pattern, instead, text)
    return text


def play(command, endpoint, credentials, *arguments):
    environment = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), "PYTHONPATH": HERE,
                   "AWS_EC2_METADATA_DISABLED": "true", "ACCEPTANCE_CREDENTIALS": json.dumps(credentials)}
    done = subprocess.run([*command, endpoint, *arguments], env=environment, capture_output=True, text=True,
                          timeout=300, check=False)
    return done, [steady(line) for line in done.stdout.splitlines()]


def commands():
    modules = os.environ["ACCEPTANCE_NODE"]
    return {"boto3": [sys.executable, os.path.join(HERE, "scenario_boto3.py")],
            "aws_cli": [sys.executable, os.path.join(HERE, "scenario_cli.py")],
            "js_sdk": ["node", os.path.join(modules, "scenario_js.mjs")]}


@pytest.mark.parametrize("client", ["boto3", "aws_cli", "js_sdk"])
def test_a_client_gets_the_same_results_through_the_gate_as_directly(client, tmp_path):
    command = commands()[client]
    runs = {}
    for way in ("direct", "gate"):
        folder = tmp_path / way
        folder.mkdir()
        world = harness.start_aws(str(folder / "aws"), UNCHECKED)
        gate = None
        try:
            endpoint, credentials = world.url, harness.upstream_credentials(world)
            if way == "gate":
                gate = harness.Keyturn(str(folder / "keyturn"), world.url, world.key)
                endpoint, credentials = gate.url, gate.session()
            done, lines = play(command, endpoint, credentials, str(folder))
            assert done.returncode == 0, done.stdout[-2000:] + done.stderr + (gate.log_tail() if gate else "")
            runs[way] = lines
            if gate:
                check_record(gate, len(lines))
        finally:
            if gate:
                gate.stop()
                assert gate.error_lines() == []
            world.stop()
    assert len(runs["gate"]) >= 20
    for direct, gate_line in zip(runs["direct"], runs["gate"]):
        assert gate_line == direct
    assert len(runs["gate"]) == len(runs["direct"])


def check_record(gate, at_least):
    """Every call was decided and has an outcome, which is recorded after the answer has left."""
    deadline = time.monotonic() + 10
    decided, outcomes = None, 0
    while decided != outcomes and time.monotonic() < deadline:
        kinds = [entry["kind"] for entry in gate.ledger()]
        decided, outcomes = kinds.count("action.decided"), kinds.count("action.outcome")
    assert decided >= at_least - 2, decided
    assert outcomes == decided
