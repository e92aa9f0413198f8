"""Bad input, and what it gets: the service's own error shape, and a record."""

import contextlib
import datetime
import http.client
import http.server
import json
import os
import pathlib
import re
import resource
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.request

import botocore.auth
import botocore.awsrequest
import botocore.credentials
import harness
import pytest
from botocore.exceptions import ClientError


@pytest.fixture(scope="module")
def keys(gate):
    return gate.session()


def code_of(call):
    with pytest.raises(ClientError) as caught:
        call()
    return caught.value.response["Error"]["Code"], caught.value.response["ResponseMetadata"]["HTTPStatusCode"]


def signed(gate, keys, service, method, path, body, headers=None, when=None):
    """A request signed as botocore signs it; returns status and body."""
    credentials = botocore.credentials.Credentials(
        keys["aws_access_key_id"], keys["aws_secret_access_key"], keys["aws_session_token"])
    request = botocore.awsrequest.AWSRequest(method, gate.url + path, data=body, headers=headers or {})
    kind = botocore.auth.S3SigV4Auth if service == "s3" else botocore.auth.SigV4Auth
    kind(credentials, service, harness.REGION).add_auth(request)
    return send(request.prepare())


def send(prepared):
    outgoing = urllib.request.Request(prepared.url, data=prepared.body, method=prepared.method,
                                      headers=dict(prepared.headers.items()))
    try:
        with urllib.request.urlopen(outgoing, timeout=20) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


JSON10 = {"Content-Type": "application/x-amz-json-1.0"}
FORM = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}


def test_a_wrong_secret_is_a_signature_that_does_not_match(gate, keys):
    bad = {**keys, "aws_secret_access_key": "x" * 40}
    for service, call in (("dynamodb", lambda c: c.list_tables()), ("sqs", lambda c: c.list_queues()),
                          ("ec2", lambda c: c.describe_vpcs()), ("s3", lambda c: c.list_buckets()),
                          ("route53", lambda c: c.list_hosted_zones()),
                          ("lambda", lambda c: c.list_functions())):
        client = harness.client(service, gate.url, bad)
        code, status = code_of(lambda: call(client))
        assert (code, status) == ("SignatureDoesNotMatch", 403) or (
            code, status) == ("InvalidSignatureException", 403), service


def test_an_unknown_key_is_named_as_such(gate, keys):
    bad = {**keys, "aws_access_key_id": "ASIAAAAAAAAAAAAAAAAA"}
    code, status = code_of(lambda: harness.client("sts", gate.url, bad).get_caller_identity())
    assert (code, status) == ("InvalidClientTokenId", 403)
    code, status = code_of(lambda: harness.client("s3", gate.url, bad).list_buckets())
    assert (code, status) == ("InvalidAccessKeyId", 403)


def test_an_ended_session_is_an_expired_token(gate):
    keys = gate.session()
    client = harness.client("sts", gate.url, keys)
    client.get_caller_identity()
    gate.run("session", "end", keys["id"], who="alice")
    code, status = code_of(client.get_caller_identity)
    assert code.startswith("ExpiredToken") and status in (400, 403)


def test_a_missing_signature_is_refused(gate):
    request = urllib.request.Request(gate.url + "/", data=b"Action=ListQueues&Version=2012-11-05")
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(request, timeout=20)
    assert caught.value.code == 403


def test_a_skewed_clock_is_refused(gate, keys, monkeypatch):
    past = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(minutes=16)
    if hasattr(botocore.auth, "get_current_datetime"):
        monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda *_, **__: past)
    else:
        class Past(datetime.datetime):
            @classmethod
            def utcnow(cls):
                return past.replace(tzinfo=None)
        monkeypatch.setattr(botocore.auth.datetime, "datetime", Past)
    status, body = signed(gate, keys, "dynamodb", "POST", "/", b"{}",
                          {**JSON10, "X-Amz-Target": "DynamoDB_20120810.ListTables"})
    assert status in (400, 403) and ("RequestExpired" in body or "RequestTimeTooSkewed" in body
                                     or "Signature expired" in body or "InvalidSignature" in body), body


AMBIGUOUS = [
    ("sqs", "/", b"Action=ListQueues&Action=DeleteQueue&Version=2012-11-05", FORM),
    ("sqs", "/?Action=DeleteQueue", b"Action=ListQueues&Version=2012-11-05", FORM),
    ("dynamodb", "/", b'{"TableName":"a","TableName":"b"}',
     {**JSON10, "X-Amz-Target": "DynamoDB_20120810.DescribeTable"}),
    ("sqs", "/", b"Action=ListQueues&Version=2012-11-05", {**FORM, "X-Amz-Target": "AmazonSQS.DeleteQueue"}),
    ("dynamodb", "/", b'{"TableName":"a"', {**JSON10, "X-Amz-Target": "DynamoDB_20120810.DescribeTable"}),
    ("s3", "/bucket/%zz", b"", {}),
]


@pytest.mark.parametrize("service,path,body,headers", AMBIGUOUS)
def test_what_two_readers_could_take_differently_is_refused(gate, keys, service, path, body, headers):
    method = "GET" if service == "s3" else "POST"
    status, text = signed(gate, keys, service, method, path, body, headers)
    assert status == 400, text


SMUGGLING = [
    b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\nContent-Length: 5\r\n\r\nhello",
    b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    b"POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
    b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5, 5\r\n\r\nhello",
    b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +5\r\n\r\nhello",
    b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: a\r\nX: 1\r\n folded\r\n\r\n",
    b"GET / HTTP/1.1\nHost: a\n\n",
    b"GET / HTTP/1.1\r\nHost: a\r\nX: \x00\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost : a\r\n\r\n",
    b"GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET / HTTP/1.1\r\n\r\n",
]


@pytest.mark.parametrize("head", SMUGGLING)
def test_a_smuggling_head_gets_400_and_a_closed_connection(gate, head):
    after = b"GET /second HTTP/1.1\r\nHost: a\r\n\r\n"
    answer = harness.raw_exchange(gate.aws_port, head + after)
    assert answer.startswith(b"HTTP/1.1 400"), answer[:200]
    assert answer.count(b"HTTP/1.1") == 1, answer


def test_a_body_over_the_limit_is_413(gate, keys):
    body = b"{" + b" " * (33 << 20) + b"}"
    credentials = botocore.credentials.Credentials(
        keys["aws_access_key_id"], keys["aws_secret_access_key"], keys["aws_session_token"])
    request = botocore.awsrequest.AWSRequest("POST", gate.url + "/", data=body, headers={
        **JSON10, "X-Amz-Target": "DynamoDB_20120810.ListTables"})
    botocore.auth.SigV4Auth(credentials, "dynamodb", harness.REGION).add_auth(request)
    head = "".join(f"{name}: {value}\r\n" for name, value in request.prepare().headers.items()
                   if name.lower() != "content-length")
    # Not a byte of the body: its length alone is refused.
    answer = harness.raw_exchange(gate.aws_port, (f"POST / HTTP/1.1\r\nHost: 127.0.0.1:{gate.aws_port}\r\n"
                                                  f"Content-Length: {len(body)}\r\n{head}\r\n").encode())
    assert answer.startswith(b"HTTP/1.1 413"), answer[:300]


def test_an_unknown_operation_is_held_as_destroying_production(gate, keys):
    status, text = signed(gate, keys, "dynamodb", "POST", "/", b"{}",
                          {**JSON10, "X-Amz-Target": "DynamoDB_20120810.ObliterateEverything"})
    assert status in (400, 403) and "AccessDenied" in text and "held as CHG-" in text and "2 approvals" in text


def test_an_executed_request_cannot_be_replayed(gate, keys):
    harness.client("sqs", gate.url, keys).create_queue(QueueName="replay")
    credentials = botocore.credentials.Credentials(
        keys["aws_access_key_id"], keys["aws_secret_access_key"], keys["aws_session_token"])
    body = json.dumps({"QueueUrl": f"{gate.url}/{harness.ACCOUNT}/replay", "MessageBody": "once"}).encode()
    request = botocore.awsrequest.AWSRequest("POST", gate.url + "/", data=body, headers={
        **JSON10, "X-Amz-Target": "AmazonSQS.SendMessage"})
    botocore.auth.SigV4Auth(credentials, "sqs", harness.REGION).add_auth(request)
    prepared = request.prepare()
    assert send(prepared)[0] == 200
    status, text = send(prepared)
    assert status in (400, 403), text


def test_every_recorded_verdict_comes_out_the_same_and_other_policies_say_what_would_change(gate, tmp_path):
    recorded = gate.run("ledger", "replay", who="root").stdout
    assert re.fullmatch(r"[1-9]\d* decisions, 0 differ\n", recorded), recorded
    (tmp_path / "none.cedar").write_text('@id("none") forbid (principal, action, resource);')
    lines = gate.run("ledger", "replay", "--policies", str(tmp_path), "--json", who="root").stdout.splitlines()
    end = json.loads(lines[-1])
    assert end["decisions"] == int(recorded.split()[0]) and end["differ"] == len(lines) - 1 > 0
    for line in map(json.loads, lines[:-1]):
        assert line["was"]["verdict"] != "deny" and line["would_be"]["policies"] == ["none"], line
    assert "would be deny by none" in gate.run("ledger", "replay", "--policies", str(tmp_path), who="root").stdout


class Collector(http.server.BaseHTTPRequestHandler):
    """An OpenTelemetry collector that keeps what it takes."""

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        answer = b'{"partialSuccess":{"rejectedLogRecords":"1","errorMessage":"no"}}' if self.server.rejects else b"{}"
        assert self.path == "/v1/logs" and self.headers["Content-Type"] == "application/json"
        self.server.taken += body["resourceLogs"][0]["scopeLogs"][0]["logRecords"]
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass


def test_the_ledger_goes_to_an_opentelemetry_collector(gate):
    collector = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Collector)
    collector.taken, collector.rejects = [], False
    threading.Thread(target=collector.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{collector.server_address[1]}"
    entries = gate.ledger()
    told = gate.run("ledger", "export", "--otlp", url, who="root").stdout
    assert told == f"sent; the next is entry {len(collector.taken)}\n"
    assert [record["body"]["stringValue"] for record in collector.taken][:len(entries)] == [
        entry["text"] for entry in entries]
    assert [record["attributes"][1]["value"]["stringValue"] for record in collector.taken][:len(entries)] == [
        entry["leaf"] for entry in entries]
    collector.rejects = True
    done = gate.run("ledger", "export", "--from", "3", "--otlp", url, who="root", expected=1)
    assert "not sent from entry 3 on" in done.stderr and "rejected 1 entries: no" in done.stderr
    collector.shutdown()
    collector.server_close()
    done = gate.run("ledger", "export", "--otlp", url, who="root", expected=1)
    assert "not sent from entry 0 on" in done.stderr


def test_refusals_are_recorded(gate, keys):
    kinds = [entry["text"] for entry in gate.ledger()]
    assert any('"action.refused"' in entry and "SignatureDoesNotMatch" in entry for entry in kinds)


def test_a_presigned_url_works_through_the_gate(gate, keys):
    s3 = harness.client("s3", gate.url, keys, signature_version="s3v4")
    s3.create_bucket(Bucket="presigned")
    s3.put_object(Bucket="presigned", Key="a b+c", Body=b"shared")
    url = s3.generate_presigned_url("get_object", Params={"Bucket": "presigned", "Key": "a b+c"}, ExpiresIn=60)
    with urllib.request.urlopen(url, timeout=20) as answer:
        assert answer.read() == b"shared"
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(url.replace("presigned/a", "presigned/b"), timeout=20)
    assert caught.value.code == 403


def test_presigned_sigv2_is_refused_with_the_fix(gate, keys):
    old = harness.client("s3", gate.url, keys, signature_version="s3")
    url = old.generate_presigned_url("get_object", Params={"Bucket": "b", "Key": "k"}, ExpiresIn=60)
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(url, timeout=20)
    assert caught.value.code in (400, 403) and b"s3v4" in caught.value.read()


def test_a_host_name_of_the_gate_may_carry_the_bucket_and_no_other(tmp_path, world):
    config = harness.CONFIG.replace("[server]", '[server]\nhost_names = ["gate.example"]')
    config = config.replace('{{ accounts = ["{account}"] }}, {{ arns = ["*"] }}',
                            '{{ arns = ["arn:aws:s3:::sandbox/*"] }}')
    gate = harness.Keyturn(str(tmp_path / "k"), world.url, world.key, config=config)
    try:
        keys = gate.session()
        harness.client("s3", world.url, harness.upstream_credentials(world)).create_bucket(Bucket="sandbox")
        port = gate.aws_port
        hosted = {"Host": f"sandbox.gate.example:{port}", "Content-Type": "text/plain"}
        status, text = signed(gate, keys, "s3", "PUT", "/key", b"content", hosted)
        assert status == 200, text
        status, text = signed(gate, keys, "s3", "GET", "/key", None, hosted)
        assert (status, text) == (200, "content")
        # The bucket is in the path, whatever a stranger's name says: production, so held.
        status, text = signed(gate, keys, "s3", "PUT", "/production/key", b"content",
                              {"Host": f"sandbox.elsewhere.example:{port}"})
        assert status == 403 and "CHG-" in text, text
        assert any("arn:aws:s3:::production/key" in entry["text"] for entry in gate.ledger())
    finally:
        gate.stop()


class Upstream:
    """An upstream that answers as it is told, or not at all."""

    def __init__(self, answer):
        self.answer, self.received = answer, 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        self.open = []
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.open.append(connection)
            if connection.recv(65536).startswith(b"POST"):
                self.received += 1
                if self.answer is not None:
                    connection.sendall(self.answer)
                    connection.close()


@pytest.mark.parametrize("answer", [b"nonsense\r\n\r\n",
                                    b"HTTP/1.1 600 X\r\nContent-Length: 2\r\n\r\n{}",
                                    b"HTTP/1.1 999 X\r\nContent-Length: 0\r\n\r\n",
                                    b"HTTP/1.1 101 X\r\nUpgrade: x\r\n\r\n",
                                    b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello"])
def test_an_upstream_that_answers_nonsense_is_502_and_recorded_as_unknown(tmp_path, world, answer):
    upstream = Upstream(answer)
    gate = harness.Keyturn(str(tmp_path / "k"), upstream.url, world.key)
    try:
        status, text = signed(gate, gate.session(), "dynamodb", "POST", "/", b'{"TableName":"t","Item":{}}',
                              {**JSON10, "X-Amz-Target": "DynamoDB_20120810.PutItem"})
        assert status == 502, text
        # The answer does not wait for the outcome's entry.
        harness.wait_until(lambda: any('"unknown"' in entry["text"] for entry in gate.ledger()), "the outcome")
    finally:
        gate.stop()


def test_an_answer_that_breaks_off_is_cut_and_recorded_so(tmp_path, world):
    upstream = Upstream(b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{")
    gate = harness.Keyturn(str(tmp_path / "k"), upstream.url, world.key)
    try:
        with pytest.raises((http.client.HTTPException, OSError)):
            signed(gate, gate.session(), "dynamodb", "POST", "/", b'{"TableName":"t","Item":{}}',
                   {**JSON10, "X-Amz-Target": "DynamoDB_20120810.PutItem"})
        harness.wait_until(lambda: any('"detail":"answer cut: ' in entry["text"] for entry in gate.ledger()),
                           "the outcome")
        log = pathlib.Path(gate.log_path).read_text(encoding="utf-8")
        assert "gateway.answer_cut" in log and "http.handler_failed" not in log, log
    finally:
        gate.stop()


def test_an_upstream_that_is_down_is_502_and_recorded_as_not_sent(tmp_path, world):
    gate = harness.Keyturn(str(tmp_path / "k"), f"http://127.0.0.1:{harness.aws.free_port()}", world.key)
    try:
        status, text = signed(gate, gate.session(), "dynamodb", "POST", "/", b'{"TableName":"t","Item":{}}',
                              {**JSON10, "X-Amz-Target": "DynamoDB_20120810.PutItem"})
        assert status == 502, text
        assert any('"not_sent"' in entry["text"] for entry in gate.ledger())
    finally:
        gate.stop()


def test_what_was_sent_when_the_process_died_is_listed_and_never_sent_again(tmp_path, world):
    upstream = Upstream(None)
    gate = harness.Keyturn(str(tmp_path / "k"), upstream.url, world.key)
    keys = gate.session()

    def call():
        try:
            signed(gate, keys, "dynamodb", "POST", "/", b'{"TableName":"t","Item":{}}',
                   {**JSON10, "X-Amz-Target": "DynamoDB_20120810.PutItem"})
        except OSError:
            pass

    caller = threading.Thread(target=call)
    caller.start()
    harness.wait_until(lambda: upstream.received == 1, "the request reaches upstream")
    gate.kill()
    caller.join()
    gate.start()
    try:
        entries = [entry["text"] for entry in gate.ledger()]
        assert any('"action.outcome"' in entry and '"unknown"' in entry for entry in entries), entries
        assert upstream.received == 1
        gate.run("ledger", "verify", who="root")
    finally:
        gate.stop()


def test_a_full_disk_denies_with_a_reason_and_reads_still_work(tmp_path, world):
    upstream = Upstream(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
    gate = harness.Keyturn(str(tmp_path / "k"), upstream.url, world.key)
    keys = gate.session()

    def put():  # another one each time: an executed one is not executed again
        body = json.dumps({"TableName": "t", "Item": {"n": {"N": str(time.monotonic_ns())}}}).encode()
        return signed(gate, keys, "dynamodb", "POST", "/", body,
                      {**JSON10, "X-Amz-Target": "DynamoDB_20120810.PutItem"})

    try:
        assert put()[0] == 200
        written = len(gate.ledger())
        # No file may grow beyond what the largest has: for the store, the disk is full.
        largest = max(file.stat().st_size for file in pathlib.Path(gate.data).glob("keyturn.db*"))
        no_limit = resource.prlimit(gate.process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(gate.process.pid, resource.RLIMIT_FSIZE, (largest, no_limit[1]))
        refused = [put() for _ in range(20)]
        assert refused[-1][0] == 503, refused[-1]
        assert "could not be made or recorded" in refused[-1][1], refused[-1]
        sent = upstream.received
        assert sent == 1 + sum(status == 200 for status, _ in refused)
        assert written <= len(gate.ledger())  # reading works on
        gate.run("agent", "list", who="root")
        with pytest.raises(urllib.error.HTTPError, match="503"):
            urllib.request.urlopen(f"http://127.0.0.1:{gate.api_port}/readyz", timeout=10)

        resource.prlimit(gate.process.pid, resource.RLIMIT_FSIZE, no_limit)
        status, text = harness.wait_until(lambda: (put() if put()[0] == 200 else None), "room again")
        assert status == 200, text
        gate.run("ledger", "verify", who="root")
    finally:
        gate.stop()


def test_a_server_that_starts_on_a_full_disk_denies_and_still_reads(tmp_path, world):
    disk = tmp_path / "disk"
    disk.mkdir()
    if os.geteuid() != 0 or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=128m", "tmpfs", disk],
                                           check=False, capture_output=True).returncode != 0:
        pytest.skip("no disk of our own can be mounted here")
    upstream = Upstream(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
    try:
        gate = harness.Keyturn(str(disk / "k"), upstream.url, world.key)
        gate.session()
        gate.kill()
        gate.log_path = str(tmp_path / "keyturn.log")
        with contextlib.suppress(OSError), open(disk / "filler", "wb", buffering=0) as filler:
            while True:
                filler.write(bytes(1 << 16))
        with contextlib.suppress(OSError), open(disk / "filler2", "wb", buffering=0) as filler:
            while True:
                filler.write(bytes(512))
        gate.start()
        assert len(gate.ledger()) > 3
        assert "disk.reserve_used" in pathlib.Path(gate.log_path).read_text(encoding="utf-8")
        gate.run("ledger", "verify", who="root")
        gate.stop()
    finally:
        subprocess.run(["umount", "-l", disk], check=True)


def test_bad_configuration_refuses_to_start_with_file_line_and_fix(tmp_path, world):
    gate = harness.Keyturn(str(tmp_path / "k"), world.url, world.key)
    gate.stop()
    with open(gate.config, "a", encoding="utf-8") as file:
        file.write('\n[servr]\napi_port = 1\n')
    done = gate.run("serve", "--config", gate.config, expected=None)
    assert done.returncode != 0
    text = done.stdout + done.stderr
    assert "keyturn.toml" in text and "servr" in text and "server" in text


LATE_FAULTS = [
    ('[policies]\npath = "nowhere"\n', ":2:8: `path` in [policies]: the policy folder `"),
    ('[ledger]\npolicy = "nowhere"\n', ":2:10: `policy` in [ledger]: read `"),
    ('[aws]\nregions = ["eu-west-1", "nowhere-9"]\n', ":2:11: `regions` in [aws]: `nowhere-9` is no region"),
    ('[[environment]]\nname = "dev"\ntier = "development"\nmatch = [{ regions = ["dublin"] }]\n',
     ":1:1: the environment `dev`: `dublin` is no region"),
    ('[server]\ntls_certificate = "none.pem"\ntls_key = "none.pem"\n',
     ":2:19: `tls_certificate` in [server]: `"),
    ('[server]\napi_address = "192.0.2.1"\n', "`api_port` in [server]: cannot listen on 192.0.2.1"),
    ('[data]\npostgres = "host=127.0.0.1 bogus"\n', ":2:12: `postgres` in [data]: connect to PostgreSQL"),
]


@pytest.mark.parametrize("text,words", LATE_FAULTS, ids=[words for _, words in LATE_FAULTS])
def test_what_shows_only_when_it_is_used_names_its_place_too(gate, tmp_path, text, words):
    config = tmp_path / "keyturn.toml"
    config.write_text("[data]\npath = \"data\"\n")
    gate.run("init", "--config", str(config))
    config.write_text(text)
    os.rename(tmp_path / "data", tmp_path / "keyturn-data")
    done = gate.run("serve", "--config", str(config), expected=None)
    assert done.returncode != 0 and words in done.stderr, done.stderr
