#!/usr/bin/env python3
"""moto's own tests, once directly and once through the gate: none may pass directly and fail through the gate.

    run.py --keyturn BINARY --moto FOLDER [--docs FILE] [SERVICE…]

FOLDER is moto's source distribution. exceptions.tsv lists the tests that do differ, each with its reason; a listed test
that does not differ any more is a failure too. Each pass has a moto of its own, and both run at the same time.
"""

import argparse
import collections
import concurrent.futures
import fnmatch
import json
import os
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "acceptance"))

SERVICES = ("sts", "sqs", "iam", "s3", "dynamodb", "cloudformation")
KEY = {"AccessKeyId": "AKIACOMPATCOMPATCOMP", "SecretAccessKey": "not-checked"}
PASS_SECONDS = 3600


class Moto:
    """moto without checking keys: its tests reset it, which would delete them."""

    def __init__(self, folder):
        import world
        self.port = world.free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        with open(os.path.join(folder, "moto.log"), "wb") as log:
            self.process = subprocess.Popen(
                [os.path.join(os.path.dirname(sys.executable), "moto_server"), "-H", "127.0.0.1", "-p", str(self.port)],
                stdout=log, stderr=log)
        world.wait_for_port(self.port, self.process, "moto")

    def stop(self):
        self.process.terminate()
        self.process.wait(20)


def run_tests(moto_folder, folder, service, moto, more):
    """Outcome by test."""
    outcomes = os.path.join(folder, "outcomes.json")
    environment = {"PATH": os.environ["PATH"], "HOME": folder, "PYTHONPATH": HERE, "TEST_SERVER_MODE": "true",
                   "TEST_SERVER_MODE_ENDPOINT": moto.url, "COMPAT_OUTCOMES": outcomes, **more}
    with open(os.path.join(folder, "pytest.log"), "wb") as log:
        subprocess.run([sys.executable, "-m", "pytest", "-p", "plugin", "-p", "no:cacheprovider", "-c", os.devnull,
                        "--rootdir", ".", "-q", "--tb=short", "-W", "ignore", f"tests/test_{service}"],
                       cwd=moto_folder, env=environment, stdout=log, stderr=log, timeout=PASS_SECONDS, check=False)
    with open(outcomes, encoding="utf-8") as file:
        return json.load(file)


def run_directly(moto_folder, folder, service):
    moto = Moto(folder)
    try:
        return run_tests(moto_folder, folder, service, moto, {})
    finally:
        moto.stop()


def run_through_gate(moto_folder, folder, service):
    import harness
    moto = Moto(folder)
    policies = os.path.join(HERE, "policies")
    gate = harness.Keyturn(os.path.join(folder, "keyturn"), moto.url, KEY, more=f'\n[policies]\npath = "{policies}"\n')
    try:
        session = gate.session(ttl="12h")
        outcomes = run_tests(moto_folder, folder, service, moto,
                             {"COMPAT_GATE": gate.url, "COMPAT_KEY": session["aws_access_key_id"],
                              "COMPAT_SECRET": session["aws_secret_access_key"],
                              "COMPAT_TOKEN": session["aws_session_token"]})
        gate.stop()
        errors = gate.error_lines()
        if errors:
            raise SystemExit("the gate logged an error:\n" + "".join(errors[:5]))
        return outcomes
    finally:
        if gate.process.poll() is None:
            gate.process.kill()
        moto.stop()


def read_exceptions():
    """Patterns of test names with their reason."""
    exceptions = []
    with open(os.path.join(HERE, "exceptions.tsv"), encoding="utf-8") as file:
        for line in file:
            if line.strip() and not line.startswith("#"):
                pattern, reason = line.rstrip("\n").split("\t")
                exceptions.append((pattern, reason))
    return exceptions


def excepted_by(exceptions, test):
    name = test.removeprefix("tests/")
    # Brackets of parameters are no character classes.
    return next((pattern for pattern, _ in exceptions
                 if name == pattern or fnmatch.fnmatchcase(name, pattern.replace("[", "[[]"))), None)


class Result:
    """What one service's two passes say."""

    def __init__(self, service, direct, gate, exceptions):
        self.service = service
        self.direct = sum(outcome == "passed" for outcome in direct.values())
        self.gate = sum(outcome == "passed" for outcome in gate.values())
        self.used = collections.Counter()
        self.differ = []
        for test, outcome in sorted(direct.items()):
            if outcome != "passed" or gate.get(test) == "passed":
                continue
            pattern = excepted_by(exceptions, test)
            if pattern:
                self.used[pattern] += 1
            else:
                self.differ.append(test)
        prefix = f"test_{service}/"
        self.unused = [pattern for pattern, _ in exceptions if pattern.startswith(prefix) and not self.used[pattern]]


def run_service(moto_folder, service, exceptions, keep):
    folder = tempfile.mkdtemp(prefix=f"keyturn-compat-{service}-")
    passes = {}
    for name in ("direct", "gate"):
        passes[name] = os.path.join(folder, name)
        os.mkdir(passes[name])
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        direct = pool.submit(run_directly, moto_folder, passes["direct"], service)
        gate = pool.submit(run_through_gate, moto_folder, passes["gate"], service)
        result = Result(service, direct.result(), gate.result(), exceptions)
    if result.differ or keep:
        print(f"  logs of {service}: {folder}", flush=True)
    else:
        shutil.rmtree(folder)
    return result


def table(results):
    lines = ["| service | pass directly | pass through the gate | differ, listed below | differ |", "|---|---:|---:|---:|---:|"]
    for result in results:
        lines.append(f"| {result.service} | {result.direct} | {result.gate} | {sum(result.used.values())} | "
                     f"{len(result.differ)} |")
    return "\n".join(lines)


def write_docs(path, results, exceptions):
    import moto
    reasons = collections.OrderedDict()
    for pattern, reason in exceptions:
        reasons.setdefault(reason, []).append(pattern)
    with open(path, "w", encoding="utf-8") as file:
        file.write(f"""# moto's own tests through the gate

Written by `./run test aws-compat`: the server-mode tests of moto {moto.__version__}, each once directly against moto and
once through the gate with a policy that allows everything. None may pass directly and fail through the gate but those
listed here.

{table(results)}

## What differs, and why

""")
        used = collections.Counter()
        for result in results:
            used.update(result.used)
        for reason, patterns in reasons.items():
            count = sum(used[pattern] for pattern in patterns)
            file.write(f"- {reason}: {count}\n")
            for pattern in patterns:
                file.write(f"  - `{pattern}`\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--keyturn", required=True)
    parser.add_argument("--moto", required=True)
    parser.add_argument("--docs")
    parser.add_argument("--keep", action="store_true", help="keep the logs")
    parser.add_argument("services", nargs="*", metavar="SERVICE")
    options = parser.parse_args()
    os.environ["ACCEPTANCE_KEYTURN"] = os.path.abspath(options.keyturn)
    import harness  # noqa: F401  which also finds the demo's modules
    services = options.services or SERVICES
    exceptions = read_exceptions()
    results = []
    for service in services:
        result = run_service(options.moto, service, exceptions, options.keep)
        results.append(result)
        print(f"  {service}: {result.direct} pass directly, {result.gate} through the gate, "
              f"{sum(result.used.values())} excepted, {len(result.differ)} differ", flush=True)
        for test in result.differ:
            print(f"    passes directly and fails through the gate: {test}")
        for pattern in result.unused:
            print(f"    listed as an exception, but does not differ: {pattern}")
    if options.docs:
        write_docs(options.docs, results, exceptions)
    bad = sum(len(result.differ) + len(result.unused) for result in results)
    print(f"{sum(result.gate for result in results)} passed, {bad} failed")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
