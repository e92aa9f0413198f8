"""Kills a working server at random moments and checks what it left: every acknowledged record is in the
ledger, the ledger verifies, nothing was executed twice, nothing was executed unrecorded.

kill.py [--rounds N] [--seed S] [--engine sqlite|postgres] [--gateways N], the binary in ACCEPTANCE_KEYTURN. The moments and the load follow from the seed; what the
machine does between them does not."""

import argparse
import contextlib
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import threading
import time
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "acceptance"))

import cluster as postgres  # noqa: E402
import harness  # noqa: E402
from clients import Agents, Known, Reviewers  # noqa: E402
from record import Record, check  # noqa: E402
from upstream import Upstream  # noqa: E402

CLIENTS = 6
LOAD_SECONDS = 1.2  # at most, between a start and its kill
FSCK_EVERY = 10  # rounds: it takes the server's place and reads the whole log
AGAIN = 0.3  # so often the start after a kill is killed as well
SAID_EVERY = 25  # rounds
ALL = 0.5  # so often all gateways die in one round, and not one of them
BACKEND = 0.3  # so often one of the database's processes is killed under a gateway that works
RECOVERY_SECONDS = 60  # of the database, at most

CONFIG = """\
[server]
api_port = {api_port}
aws_port = {aws_port}

[data]
path = "{data}"

[aws]
account = "{account}"
upstream = "{upstream}"
hold_wait = "100ms"

[[environment]]
name = "sandbox"
tier = "development"
match = [{{ arns = ["arn:aws:dynamodb:*:table/rows"] }}]
"""


class Trial:
    def __init__(self, folder, seed, cluster=None, gateways=1):
        self.cluster, self.backends_killed = cluster, 0
        self.random = random.Random(seed)
        self.upstream = Upstream(random.Random(seed + 1))
        key = {"AccessKeyId": "AKIAIOSFODNN7EXAMPLE", "SecretAccessKey": "k" * 40}
        config = CONFIG
        if cluster:
            config = CONFIG.replace('path = "{data}"', f'path = "{{data}}"\npostgres = "{cluster.dsn()}"')
        self.gate = harness.Keyturn(folder, self.upstream.url, key, config=config)
        self.gates = [self.gate]
        for number in range(1, gateways):
            self.gates.append(self.gate.beside(f"{folder}/gateway-{number}"))
            self.gates[-1].start()
        self.known, self.record = Known(), Record()
        self.agents = Agents(self.gates, self.known, random.Random(seed + 2))
        self.reviewers = Reviewers(self.gates, self.known, random.Random(seed + 3))
        self.killed_at_start, self.start_seconds = 0, 0.2

    def round(self, number):
        stop = threading.Event()
        workers = [threading.Thread(target=self.agents.run, args=(stop,)) for _ in range(CLIENTS)]
        workers.append(threading.Thread(target=self.reviewers.run, args=(stop,)))
        for worker in workers:
            worker.start()
        time.sleep(self.random.random() * LOAD_SECONDS)
        if self.cluster and self.random.random() < BACKEND:
            self.kill_backend()
            time.sleep(self.random.random() * LOAD_SECONDS)
        one = self.random.choice(self.gates)
        killed = self.gates if self.random.random() < ALL else [one]
        for gate in killed:
            gate.kill()
        stop.set()
        for worker in workers:
            worker.join()
        self.wait_for_database()
        for gate in killed:
            if number % FSCK_EVERY == 0:
                self.fsck(gate)
            self.start(gate)
        self.check(whole=len(killed) == len(self.gates))

    def kill_backend(self):
        """One of the gateway's sessions; the server then ends all others and recovers from its log."""
        listed = self.cluster.ask("SELECT pid FROM pg_stat_activity WHERE application_name = 'keyturn' ORDER BY 1")
        pids = listed.stdout.split()
        if pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(self.random.choice(pids)), signal.SIGKILL)
                self.backends_killed += 1

    def wait_for_database(self):
        deadline = time.monotonic() + RECOVERY_SECONDS
        while self.cluster and self.cluster.ask("SELECT 1").returncode != 0:
            check(time.monotonic() < deadline, "the database did not come back")
            time.sleep(0.05)

    def start(self, gate):
        """Some starts are killed too, anywhere in them: what a crash left is settled once all the same."""
        while self.random.random() < AGAIN:
            gate.spawn()
            time.sleep(self.random.random() * self.start_seconds)
            gate.kill()
            self.killed_at_start += 1
        began = time.monotonic()
        gate.start()
        self.start_seconds = max(self.start_seconds, time.monotonic() - began)

    def fsck(self, gate):
        gate.run("ledger", "fsck", "--config", gate.config)

    @staticmethod
    def get(gate, path):
        request = urllib.request.Request(f"http://127.0.0.1:{gate.api_port}{path}", headers={
            "Authorization": "Bearer " + gate.tokens["root"]})
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.read().decode()

    def check(self, whole):
        """`whole`: nothing is under way, so that everything has ended."""
        self.record.read(lambda path: json.loads(self.get(self.random.choice(self.gates), path)))
        for gate in self.gates:
            self.record.check_published(gate.config, self.get(gate, "/ledger/checkpoint"))
        self.record.check(self.known, *self.upstream.executed(), whole)
        # A database that is away takes no outcomes, and one gateway settles what another was too late for.
        allowed = "gateway.outcome_not_recorded" if self.backends_killed or len(self.gates) > 1 else "\n"
        errors = [line for gate in self.gates for line in gate.error_lines() if allowed not in line]
        check(not errors, "a server logged errors: %s", "".join(errors[:5]))

    def end(self):
        """Without kills: what was approved gets through, and strangers verify what is left."""
        stop = threading.Event()
        workers = [threading.Thread(target=run, args=(stop,)) for run in (self.agents.run, self.reviewers.run)]
        for worker in workers:
            worker.start()
        time.sleep(2 * LOAD_SECONDS)
        stop.set()
        for worker in workers:
            worker.join()
        for gate in self.gates:
            gate.stop()
        for gate in self.gates:
            self.fsck(gate)
            key = gate.run("ledger", "key", "--config", gate.config).stdout.strip()
            gate.run("ledger", "verify", os.path.join(gate.data, "ledger"), "--key", key)
        for gate in self.gates:
            gate.start()
        self.check(whole=True)
        for gate in self.gates:
            gate.stop()

    def report(self):
        answers = self.known.answers
        for what in ("allow", "hold", ("review", 201)):
            check(answers[what] > 0, "the load had no `%s`, so nothing was tried; it had %s", what, answers)
        check(self.record.grants_used, "no grant was used, so nothing was tried")
        executed, _ = self.upstream.executed()
        kinds = self.record.kinds
        return (f"{self.record.tree.size} entries; acknowledged {answers['allow']} allowed, "
                f"{answers['hold']} held, {answers['review', 201]} reviews; upstream executed "
                f"{len(executed)} mutations, each once and recorded; {len(self.record.grants_used)} grants "
                f"used once; {kinds['action.outcome']} outcomes; {self.killed_at_start} starts killed too" +
                (f"; {self.backends_killed} of the database's processes" if self.cluster else ""))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=50)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    parser.add_argument("--engine", choices=("sqlite", "postgres"), default="sqlite")
    parser.add_argument("--gateways", type=int, default=1)
    arguments = parser.parse_args()
    if arguments.gateways > 1 and arguments.engine != "postgres":
        parser.error("several gateways share a PostgreSQL: --engine postgres")
    print(f"kill: {arguments.engine}, {arguments.gateways} gateways, seed {arguments.seed}, {arguments.rounds} rounds",
          flush=True)
    with postgres.running() if arguments.engine == "postgres" else contextlib.nullcontext() as cluster:
        return run(arguments, cluster)


def run(arguments, cluster):
    folder = tempfile.mkdtemp(prefix="keyturn-kill-")
    number, began = 0, time.monotonic()
    trial = Trial(folder, arguments.seed, cluster, arguments.gateways)
    try:
        for number in range(1, arguments.rounds + 1):
            trial.round(number)
            if number % SAID_EVERY == 0:
                print(f"  {number} rounds, {time.monotonic() - began:.0f} s: {trial.report()}", flush=True)
        trial.end()
        print(f"kill: good after {number} rounds: {trial.report()}", flush=True)
        shutil.rmtree(folder)
        return 0
    except AssertionError as failure:
        print(f"kill: FAILED in round {number} of seed {arguments.seed}: {failure}\n"
              f"the data and the server's log are in {folder}", flush=True)
        return 1
    finally:
        for gate in trial.gates:
            if gate.process.poll() is None:
                gate.kill()


if __name__ == "__main__":
    sys.exit(main())
