"""Several gateways over one database: what one knows the others know, and nothing is executed twice."""

import contextlib
import json
import re
import signal
import socket
import threading
import time
import urllib.error
import urllib.request

import botocore.auth
import botocore.awsrequest
import botocore.credentials
import cluster as postgres
import harness
import pytest
from botocore.exceptions import BotoCoreError, ClientError

HOLD_SECONDS = 8
CONFIG = harness.CONFIG.replace('path = "{data}"', 'path = "{data}"\npostgres = "POSTGRES"').replace(
    'account = "{account}"', f'account = "{{account}}"\nhold_wait = "{HOLD_SECONDS}s"').replace(
    "[[environment]]", """\
[[environment]]
name = "live"
tier = "production"
match = [{{ arns = ["arn:aws:dynamodb:*:*:table/orders"] }}]

[[environment]]""", 1)


def answer_to_delete(agent):
    try:
        agent.delete_table(TableName="orders")
    except ClientError as error:
        return error.response["Error"]["Code"] + " " + str(error)
    except BotoCoreError as error:
        return str(error)
    return "executed"


@pytest.fixture(scope="module")
def pair(world, tmp_path_factory):
    folder = tmp_path_factory.mktemp("gateways")
    with postgres.running() as cluster:
        first = harness.Keyturn(str(folder / "first"), world.url, world.key,
                                config=CONFIG.replace("POSTGRES", cluster.dsn()))
        second = first.beside(str(folder / "second"))
        second.start()
        try:
            yield first, second
            for gate in (first, second):
                gate.stop()
                assert gate.error_lines() == []
        finally:
            for gate in (first, second):
                if gate.process.poll() is None:
                    gate.process.send_signal(signal.SIGCONT)
                    gate.kill()


@pytest.fixture
def orders(world):
    """A table that is there again whenever it is asked for."""
    direct = harness.client("dynamodb", world.url, harness.upstream_credentials(world))

    def make():
        direct.create_table(TableName="orders", BillingMode="PAY_PER_REQUEST",
                            AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}],
                            KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}])
    make.tables = lambda: direct.list_tables()["TableNames"]
    make()
    yield make
    if make.tables():
        direct.delete_table(TableName="orders")


def approve(gate, change, *people):
    for who in people:
        gate.run("approve", change, "--words", "checked", who=who)


def held_as(answer):
    found = re.search(r"held as (CHG-\d+)", answer)
    assert found, answer
    return found[1]


def entries(gate, kind):
    return [entry for entry in gate.ledger() if entry["kind"] == kind]


def body_of(entry):
    return json.loads(entry["text"])["body"]


def test_what_is_started_and_reviewed_at_one_holds_at_the_other(pair, orders):
    first, second = pair
    keys = first.session()
    at_second = harness.client("dynamodb", second.url, keys)
    change = held_as(answer_to_delete(at_second))
    approve(first, change, "bob")
    approve(second, change, "carol")
    used = len(entries(first, "grant.used"))
    assert answer_to_delete(harness.client("dynamodb", first.url, keys)) == "executed"
    assert "held as" in answer_to_delete(at_second)
    assert orders.tables() == []
    assert len(entries(second, "grant.used")) == used + 1
    for gate in pair:
        gate.run("ledger", "verify", who="root")


def test_who_waits_at_one_is_woken_by_a_review_at_the_other(pair, orders):
    first, second = pair
    agent = harness.client("dynamodb", first.url, first.session())
    opened = len(entries(second, "change.opened"))
    answers = []
    waiting = threading.Thread(target=lambda: answers.append(answer_to_delete(agent)))
    waiting.start()
    harness.wait_until(lambda: len(entries(second, "change.opened")) > opened, "a new change")
    change = body_of(entries(second, "change.opened")[-1])["change"]
    approve(second, change, "bob", "carol")
    waiting.join(timeout=60)
    assert answers == ["executed"]
    assert orders.tables() == []


def test_a_copy_of_what_one_has_executed_is_refused_by_the_other(pair):
    first, second = pair
    keys = first.session()
    credentials = botocore.credentials.Credentials(
        keys["aws_access_key_id"], keys["aws_secret_access_key"], keys["aws_session_token"])
    harness.client("sqs", first.url, keys).create_queue(QueueName="letters")
    queue = f"{first.url}/{harness.ACCOUNT}/letters"
    body = json.dumps({"QueueUrl": queue, "MessageBody": "once"}).encode()
    request = botocore.awsrequest.AWSRequest("POST", "http://gate.test/", data=body, headers={
        "Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": "AmazonSQS.SendMessage",
        "Host": "127.0.0.1"})
    botocore.auth.SigV4Auth(credentials, "sqs", harness.REGION).add_auth(request)
    prepared = request.prepare()

    def send_to(gate):
        outgoing = urllib.request.Request(f"{gate.url}/", data=body, headers=dict(prepared.headers.items()))
        try:
            with urllib.request.urlopen(outgoing, timeout=20) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    status, text = send_to(first)
    assert status == 200, text
    status, text = send_to(second)
    assert status in (400, 403) and "sign it anew" in text, text


def test_who_stands_still_keeps_nobody_from_working_and_executes_nothing_that_is_done(pair, orders):
    first, second = pair
    keys = first.session()
    at_first = harness.client("dynamodb", first.url, keys)
    at_second = harness.client("dynamodb", second.url, keys)
    change = held_as(answer_to_delete(at_first))
    approve(first, change, "bob")
    before = first.ledger()
    used = len(entries(first, "grant.used"))
    first.process.send_signal(signal.SIGSTOP)
    # Opened at the first with one review there, approved and executed at the second.
    approve(second, change, "carol")
    assert harness.wait_until(lambda: answer_to_delete(at_second) == "executed", "the approved change is executed")
    assert orders.tables() == []
    time.sleep(17)  # for so long nobody is silent who counts as living
    first.process.send_signal(signal.SIGCONT)
    orders()
    assert "held as" in answer_to_delete(at_first)
    assert orders.tables() == ["orders"]
    after = second.ledger()
    assert after[:len(before)] == before
    assert len(entries(first, "grant.used")) == used + 1
    second.run("ledger", "verify", who="root")


class Hanging:
    """An upstream that takes requests and never answers."""

    def __init__(self):
        self.asked = threading.Event()
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        kept = []
        while True:
            try:
                kept.append(self.socket.accept()[0])
            except OSError:
                return
            if kept[-1].recv(65536):
                self.asked.set()


def test_what_a_killed_gateway_had_sent_is_recorded_as_unknown_by_the_other(pair, tmp_path):
    first, _ = pair
    hanging = Hanging()
    third = first.beside(str(tmp_path / "third"))
    with open(third.config, encoding="utf-8") as file:
        text = file.read()
    with open(third.config, "w", encoding="utf-8") as file:
        file.write(re.sub(r'upstream = "[^"]*"', f'upstream = "http://127.0.0.1:{hanging.port}"', text))
    third.start()
    agent = harness.client("dynamodb", third.url, first.session())

    def ask():
        with contextlib.suppress(BotoCoreError, ClientError):
            agent.get_item(TableName="letters", Key={"k": {"S": "v"}})

    threading.Thread(target=ask, daemon=True).start()
    assert hanging.asked.wait(30), third.log_tail()
    third.kill()
    decided = [entry["index"] for entry in entries(first, "action.decided")
               if body_of(entry)["action"].get("operation") == "GetItem"][-1]

    def outcome():
        return [body_of(entry)["outcome"] for entry in entries(first, "action.outcome")
                if body_of(entry)["decided"] == decided]

    assert harness.wait_until(outcome, "its outcome", seconds=60) == ["unknown"]
    hanging.socket.close()
