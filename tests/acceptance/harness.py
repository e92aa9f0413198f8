"""The pieces every acceptance test stands on: moto as AWS with signatures checked, and a real `keyturn
serve` in front of it. Everything on free loopback ports, in a folder of its own, stopped at the end."""

import copy
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time

import boto3
from botocore.config import Config

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "scripts", "demo"))

import world as aws  # noqa: E402  the demo's way of starting moto

KEYTURN = os.environ.get("ACCEPTANCE_KEYTURN", os.path.join(ROOT, "build/release/src/cli/keyturn"))
BIN = os.path.dirname(sys.executable)
REGION = "us-east-1"
ACCOUNT = "123456789012"

CONFIG = """\
[server]
api_port = {api_port}
aws_port = {aws_port}

[data]
path = "{data}"

[aws]
account = "{account}"
upstream = "{upstream}"

[[environment]]
name = "sandbox"
tier = "development"
match = [{{ accounts = ["{account}"] }}, {{ arns = ["*"] }}]

[limits]
body_memory = "1 MiB"
body = "32 MiB"
"""


def start_aws(folder, unchecked_calls=aws.SETUP_CALLS):
    """moto, which judges signatures after so many calls."""
    os.makedirs(folder, exist_ok=True)
    return aws.World(folder, os.path.join(BIN, "moto_server"), REGION, unchecked_calls)


class Keyturn:
    """A server with an owner `alice`, reviewers `bob` and `carol`, and the agent `kiro`."""

    def __init__(self, folder, upstream, key, more="", config=CONFIG):
        os.makedirs(folder, exist_ok=True)
        self.folder = folder
        self.data = os.path.join(folder, "data")
        self.api_port, self.aws_port = aws.free_port(), aws.free_port()
        self.url = f"http://127.0.0.1:{self.aws_port}"
        self.config = os.path.join(folder, "keyturn.toml")
        self.log_path = os.path.join(folder, "keyturn.log")
        self.tokens = {}
        self.process = None
        with open(self.config, "w", encoding="utf-8") as file:
            file.write(config.format(api_port=self.api_port, aws_port=self.aws_port, data=self.data,
                                     account=ACCOUNT, upstream=upstream) + more)
        done = self.run("init", "--config", self.config, "--person", "root", "--upstream-from-environment",
                        more={"AWS_ACCESS_KEY_ID": key["AccessKeyId"],
                              "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"]})
        self.tokens["root"] = token_in(done.stdout)
        self.start()
        for person in ("alice", "bob", "carol"):
            self.tokens[person] = token_in(self.run("person", "add", person, who="root").stdout)
        self.run("agent", "add", "kiro", "--owner", "alice", who="root")

    def beside(self, folder):
        """Another one, not started, over the same database and with the same keys."""
        other = copy.copy(self)
        other.folder, other.data, other.process = folder, os.path.join(folder, "data"), None
        other.config, other.log_path = os.path.join(folder, "keyturn.toml"), os.path.join(folder, "keyturn.log")
        shutil.copytree(self.data, other.data, ignore=shutil.ignore_patterns("ledger"))
        other.api_port, other.aws_port = aws.free_port(), aws.free_port()
        other.url = f"http://127.0.0.1:{other.aws_port}"
        with open(self.config, encoding="utf-8") as file:
            text = file.read()
        for name in ("data", "api_port", "aws_port"):
            old, new = ((f'"{gate.data}"' if name == "data" else f"{name} = {getattr(gate, name)}")
                        for gate in (self, other))
            assert old in text
            text = text.replace(old, new)
        with open(other.config, "w", encoding="utf-8") as file:
            file.write(text)
        return other

    def run(self, *arguments, who=None, expected=0, more=None):
        environment = {"PATH": os.environ["PATH"], "HOME": self.folder,
                       "KEYTURN_URL": f"http://127.0.0.1:{self.api_port}", **(more or {})}
        if who:
            environment["KEYTURN_TOKEN"] = self.tokens[who]
        done = subprocess.run([KEYTURN, *arguments], env=environment, capture_output=True, text=True,
                              timeout=60, check=False)
        assert expected is None or done.returncode == expected, done.stdout + done.stderr + self.log_tail()
        return done

    def spawn(self):
        with open(self.log_path, "a", encoding="utf-8") as log:
            self.process = subprocess.Popen([KEYTURN, "serve", "--config", self.config], stdout=log,
                                            stderr=log, env={"PATH": os.environ["PATH"],
                                                             "HOME": self.folder})

    def start(self):
        self.spawn()
        aws.wait_for_port(self.aws_port, self.process, "keyturn serve")
        aws.wait_for_port(self.api_port, self.process, "keyturn serve")

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            assert self.process.wait(30) == 0, self.log_tail()

    def session(self, ttl="1h"):
        """Credentials of a new session, as botocore names them."""
        done = self.run("session", "start", "--agent", "kiro", "--purpose", "acceptance", "--ttl", ttl,
                        "--json", who="alice")
        answer = json.loads(done.stdout)
        text = json.dumps(answer)
        keys = answer.get("keys", answer)
        found = {name: keys[name] for name in ("access_key_id", "secret_access_key", "session_token")}
        assert found["access_key_id"].startswith("ASIA"), text
        session = answer.get("session", answer)
        return {"aws_access_key_id": found["access_key_id"],
                "aws_secret_access_key": found["secret_access_key"],
                "aws_session_token": found["session_token"], "id": session["id"]}

    def ledger(self):
        lines = self.run("ledger", "show", "--limit", "100000", "--json", who="root").stdout
        return [json.loads(line) for line in lines.splitlines()]

    def log_tail(self):
        if not os.path.exists(self.log_path):
            return ""
        with open(self.log_path, encoding="utf-8") as file:
            return "\n" + "".join(file.readlines()[-20:])

    def error_lines(self):
        with open(self.log_path, encoding="utf-8") as file:
            return [line for line in file if '"level":"error"' in line]


def client(service, endpoint, credentials, **options):
    keys = {name: credentials[name] for name in
            ("aws_access_key_id", "aws_secret_access_key", "aws_session_token") if name in credentials}
    config = Config(retries={"max_attempts": 1, "mode": "standard"}, signature_version=options.pop(
        "signature_version", None), s3={"addressing_style": "path"})
    return boto3.client(service, endpoint_url=endpoint, region_name=REGION, config=config, **keys, **options)


def upstream_credentials(world):
    return {"aws_access_key_id": world.key["AccessKeyId"],
            "aws_secret_access_key": world.key["SecretAccessKey"]}


def token_in(text):
    return re.search(r"ktp_[\w-]+", text).group(0)


def raw_exchange(port, data, seconds=10):
    """Sends bytes as they are and returns all that comes back until the server closes."""
    with socket.create_connection(("127.0.0.1", port), timeout=seconds) as connection:
        connection.sendall(data)
        answer = b""
        try:
            while True:
                piece = connection.recv(65536)
                if not piece:
                    return answer
                answer += piece
        except (TimeoutError, ConnectionResetError):
            return answer


def wait_until(condition, what, seconds=20):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        value = condition()
        if value:
            return value
        time.sleep(0.05)
    raise AssertionError(f"not within {seconds} s: {what}")
