"""Agents and reviewers that do not trust their luck: what was answered is noted, what broke off is not."""

import collections
import contextlib
import http.client
import json
import threading
import time

import botocore.auth
import botocore.awsrequest
import botocore.credentials
import harness

JSON10 = "application/x-amz-json-1.0"
BROKEN = (OSError, http.client.HTTPException)
ROW = {"TableName": "rows"}
TRIES_MAX = 30  # of a held request
PENDING_MAX = 24
# After a start the gate takes nothing signed in the second that it died in.
REST_SECONDS = 0.02
LOOK_SECONDS = 0.3  # at most between two looks of the reviewers, so that some wait longer than a request is held


class Unavailable(Exception):
    """The server lives and its database does not."""


class Known:
    """What was acknowledged, under one lock."""

    def __init__(self):
        self.lock = threading.Lock()
        self.verdicts = collections.defaultdict(collections.Counter)  # by mark
        self.reviews = set()
        self.reviewed = set()  # marks that need a review
        self.next_mark = 0
        self.answers = collections.Counter()

    def mark(self):
        with self.lock:
            self.next_mark += 1
            return f"mark-{self.next_mark}"

    def note(self, mark, status, body):
        held = status in (400, 403) and "held as CHG-" in body
        denied = status in (400, 403) and "AccessDenied" in body
        verdict = "allow" if status == 200 else "hold" if held else "deny" if denied else None
        with self.lock:
            self.answers[verdict or status] += 1
            if verdict:
                self.verdicts[mark][verdict] += 1
        return verdict


class Held:
    """A request that needs reviews, tried by whoever comes along until it is through."""

    def __init__(self, keys, operation, body):
        self.keys, self.operation, self.body, self.tries = keys, operation, body, 0


class Agents:
    def __init__(self, gates, known, random):
        self.gates, self.known, self.random = gates, known, random
        self.keys = [random.choice(gates).session(ttl="8h") for _ in range(3)]
        self.lock, self.pending = threading.Lock(), []

    def run(self, stop):
        """One client on one connection, until told to stop or cut off."""
        with self.lock:
            gate = self.random.choice(self.gates)
        connection = http.client.HTTPConnection("127.0.0.1", gate.aws_port, timeout=20)
        try:
            while not stop.is_set():
                self.act(connection)
        except BROKEN:
            pass
        finally:
            connection.close()

    def act(self, connection):
        with self.lock:
            choice, keys = self.random.random(), self.random.choice(self.keys)
            held = self.random.choice(self.pending) if self.pending and choice < 0.4 else None
        if held:
            return self.try_held(connection, held)
        mark = self.known.mark()
        item = {"Key": {"mark": {"S": mark}}}
        if choice < 0.7:
            return self.send(connection, keys, "PutItem", {**ROW, "Item": item["Key"]}, mark)
        if choice < 0.85:
            return self.send(connection, keys, "GetItem", {**ROW, **item}, mark)
        with self.known.lock:
            self.known.reviewed.add(mark)
        destroys = choice < 0.9
        body = {"TableName": f"prod-{mark}"} if destroys else {"TableName": "prod", "Item": item["Key"]}
        held = Held(keys, "DeleteTable" if destroys else "PutItem", (mark, body))
        with self.lock:
            if len(self.pending) < PENDING_MAX:
                self.pending.append(held)
        return self.try_held(connection, held)

    def try_held(self, connection, held):
        mark, body = held.body
        verdict = self.send(connection, held.keys, held.operation, body, mark)
        with self.lock:
            held.tries += 1
            if (verdict in ("allow", "deny") or held.tries > TRIES_MAX) and held in self.pending:
                self.pending.remove(held)

    def send(self, connection, keys, operation, body, mark):
        credentials = botocore.credentials.Credentials(
            keys["aws_access_key_id"], keys["aws_secret_access_key"], keys["aws_session_token"])
        # Signed with a number of its own, so that a second try is another request.
        request = botocore.awsrequest.AWSRequest(
            "POST", f"http://127.0.0.1:{connection.port}/", data=json.dumps(body).encode(), headers={
                "Content-Type": JSON10, "X-Amz-Target": f"DynamoDB_20120810.{operation}",
                "X-Try": self.known.mark()})
        botocore.auth.SigV4Auth(credentials, "dynamodb", harness.REGION).add_auth(request)
        prepared = request.prepare()
        connection.request("POST", "/", prepared.body, dict(prepared.headers.items()))
        answer = connection.getresponse()
        text = answer.read().decode()
        verdict = self.known.note(mark, answer.status, text)
        if "RequestExpired" in text:
            time.sleep(REST_SECONDS)
        return verdict


class Reviewers:
    """Approve the first change of a mark and reject any after it, which a crash brings about when nobody knows
    whether the first one's grant was used: so nothing held may ever happen twice."""

    def __init__(self, gates, known, random):
        self.gates, self.known, self.random = gates, known, random
        self.first = {}  # change by what it is about

    def run(self, stop):
        connection = http.client.HTTPConnection("127.0.0.1", self.random.choice(self.gates).api_port, timeout=20)
        try:
            while not stop.wait(self.random.random() * LOOK_SECONDS):
                with contextlib.suppress(Unavailable):
                    listed = self.ask(connection, "bob", "GET", "/v1/changes?state=open&limit=100")[1]
                    for change in reversed(listed["changes"]):
                        self.review(connection, change["id"])
        except BROKEN:
            pass
        finally:
            connection.close()

    def review(self, connection, number):
        change = self.ask(connection, "bob", "GET", f"/v1/changes/{number}")[1]
        first = self.first.setdefault(change["action_digest"], number) == number
        for person in ("bob", "carol")[:change["approvals_needed"] if first else 1]:
            status, _ = self.ask(connection, person, "POST", f"/v1/changes/{number}/reviews", {
                "answer": "approve" if first else "reject", "words": "as asked", "digest": change["digest"]})
            with self.known.lock:
                self.known.answers["review", status] += 1
                if status == 201:
                    self.known.reviews.add((number, person))

    def ask(self, connection, who, method, path, body=None):
        headers = {"Authorization": "Bearer " + self.gates[0].tokens[who], "Content-Type": "application/json"}
        connection.request(method, path, json.dumps(body) if body else None, headers)
        answer = connection.getresponse()
        text = answer.read()
        if answer.status >= 500:
            raise Unavailable(text)
        return answer.status, json.loads(text)
