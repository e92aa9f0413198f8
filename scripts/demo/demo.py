#!/usr/bin/env python3
"""Plays the incident of December 2025 against a local AWS, with Keyturn in between, and checks each step:
the agent, asked for a small fix, tries to delete and recreate the production environment. Exits non-zero
when any step ends otherwise than it should."""

import argparse
import itertools
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import textwrap
import threading
import time

import world as aws

HERE = os.path.dirname(os.path.abspath(__file__))
PROD, DEV = "cost-explorer-prod", "cost-explorer-dev"
WORDS = "this takes the cost explorer down for hours; change the rounding parameter in place instead"
CONFIG = """\
[server]
api_port = {api_port}
aws_port = {aws_port}

[data]
path = "{folder}/data"

[aws]
account = "123456789012"
partition = "aws-cn"
regions = ["{region}"]
upstream = "{upstream}"

[[environment]]
name = "cost-explorer"
tier = "production"
match = [{{ tags = {{ env = "prod" }} }}]

[[environment]]
name = "cost-explorer-dev"
tier = "development"
match = [{{ tags = {{ env = "dev" }} }}]
"""


class Failed(Exception):
    pass


class Screen:
    """A line per step; a spinner on anything that takes over a second."""

    def __init__(self, pauses):
        self.pauses = pauses
        self.color = sys.stdout.isatty() and "NO_COLOR" not in os.environ

    def paint(self, code, text):
        return f"\033[{code}m{text}\033[0m" if self.color else text

    def scene(self, number, title):
        print("\n" + self.paint("1;36", f"{number}. {title}"))

    def say(self, text):
        print(textwrap.indent(textwrap.fill(text, 96), "   "))

    def prompt(self, who, command):
        print(f"   {self.paint('1', who + ' $')} {command}")

    def output(self, text, code="2", lines_max=14):
        shown = text.rstrip("\n").split("\n")
        if len(shown) > lines_max:
            shown = shown[:lines_max] + [f"… and {len(shown) - lines_max} more lines"]
        for line in shown:
            for part in textwrap.wrap(line, 104, subsequent_indent="  ") or [""]:
                print("     " + self.paint(code, part))

    def good(self, text):
        print("   " + self.paint("1;32", "✓ ") + text)

    def pause(self):
        if self.pauses:
            input("   " + self.paint("2", "[Enter]"))

    def wait_for(self, what, work):
        """Runs `work`, with a spinner when it takes over a second."""
        done = threading.Event()

        def spin():
            if done.wait(1) or not sys.stdout.isatty():
                return
            for frame in itertools.cycle("⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"):
                print(f"\r   {frame} {what} ", end="", flush=True)
                if done.wait(0.1):
                    print("\r\033[K", end="", flush=True)
                    return

        spinner = threading.Thread(target=spin, daemon=True)
        spinner.start()
        try:
            return work()
        finally:
            done.set()
            spinner.join()


class Demo:
    def __init__(self, options):
        self.screen = Screen(not options.yes)
        self.keyturn = os.path.abspath(options.keyturn)
        self.bin = options.bin
        self.folder = tempfile.mkdtemp(prefix="keyturn-demo-")
        self.tokens = {}
        self.processes = []
        self.world = None
        self.api_port, self.aws_port = aws.free_port(), aws.free_port()

    # The cast: how each person and the agent run commands.

    def run_keyturn(self, who, *arguments, expected=0):
        environment = {"PATH": os.environ["PATH"], "HOME": self.folder,
                       "KEYTURN_URL": f"http://127.0.0.1:{self.api_port}"}
        if who in self.tokens:
            environment["KEYTURN_TOKEN"] = self.tokens[who]
        done = subprocess.run([self.keyturn, *arguments], env=environment, capture_output=True, text=True,
                              timeout=60, check=False)
        if expected is not None and done.returncode != expected:
            raise Failed(f"`keyturn {' '.join(arguments)}` as {who} ended with exit code {done.returncode}, "
                         f"not {expected}:\n{done.stdout}{done.stderr}")
        return done

    def person_runs(self, who, *arguments, expected=0, lines=60):
        self.screen.prompt(who, "keyturn " + " ".join(quoted(a) for a in arguments))
        done = self.screen.wait_for("waiting", lambda: self.run_keyturn(who, *arguments, expected=expected))
        text = (done.stdout + done.stderr).strip("\n")
        self.screen.output("\n".join(text.split("\n")[-lines:]), lines_max=60)
        return text

    def agent_runs(self, *arguments, allowed):
        self.screen.prompt("kiro", "aws " + " ".join(quoted(a) for a in arguments))
        command = [os.path.join(self.bin, "aws"), "--output", "json", *arguments]

        def ask():
            self.agent.stdin.write(json.dumps(command) + "\n")
            self.agent.stdin.flush()
            line = self.agent.stdout.readline()
            if not line:
                raise Failed("the agent's session ended early:\n" + self.agent.stderr.read())
            return json.loads(line)

        answer = self.screen.wait_for("the agent waits for AWS", ask)
        text = (answer["out"] + answer["err"]).strip()
        if allowed != (answer["code"] == 0):
            raise Failed(f"the agent's call ended with exit code {answer['code']}:\n{text}")
        self.screen.output(text or "(no output: done)", "2" if allowed else "33")
        return text

    def expect(self, condition, what):
        if not condition:
            raise Failed(f"not so: {what}")
        self.screen.good(what)

    # The scenes, in the order of the story.

    def play(self):
        self.screen.scene(1, "An AWS of our own, with a production environment in it")
        self.start_world()
        self.screen.scene(2, "Keyturn between the agent and that AWS")
        self.start_keyturn()
        self.screen.scene(3, "The agent works on a small fix")
        self.start_agent()
        self.small_fix()
        self.screen.scene(4, "“Delete and recreate the environment”")
        change = self.delete_is_held()
        self.second_key(change)
        self.screen.scene(5, "A safer way, with one review")
        self.update_in_place()
        self.screen.scene(6, "What remains")
        self.aftermath()

    def start_world(self):
        self.screen.wait_for("starting moto", self.create_world)
        self.screen.wait_for("building the stacks", self.world.build)
        for stage in aws.STAGES:
            stack = self.world.stack(stage)
            self.screen.output(f"{stack['StackName']}  {stack['StackStatus']}  env={stage}  "
                               "table, bucket, queue, parameter, role")
        self.screen.good(f"moto answers as {aws.REGION} on {self.world.url} and checks every signature")
        self.screen.pause()

    def create_world(self):
        self.world = aws.World(self.folder, os.path.join(self.bin, "moto_server"))

    def start_keyturn(self):
        config = os.path.join(self.folder, "keyturn.toml")
        with open(config, "w", encoding="utf-8") as file:
            file.write(CONFIG.format(api_port=self.api_port, aws_port=self.aws_port, folder=self.folder,
                                     region=aws.REGION, upstream=self.world.url))
        upstream = {"PATH": os.environ["PATH"], "HOME": self.folder,
                    "AWS_ACCESS_KEY_ID": self.world.key["AccessKeyId"],
                    "AWS_SECRET_ACCESS_KEY": self.world.key["SecretAccessKey"]}
        done = subprocess.run([self.keyturn, "init", "--config", config, "--person", "root",
                               "--upstream-from-environment"],
                              env=upstream, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise Failed("`keyturn init` failed:\n" + done.stdout + done.stderr)
        self.tokens["root"] = find_token(done.stdout)
        self.screen.prompt("root", "keyturn init --person root --upstream-from-environment")
        self.screen.output(hide_tokens(done.stdout))
        log = open(os.path.join(self.folder, "keyturn.log"), "w", encoding="utf-8")
        self.screen.prompt("root", "keyturn serve &")
        server = subprocess.Popen([self.keyturn, "serve", "--config", config], stdout=log, stderr=log,
                                  env={"PATH": os.environ["PATH"], "HOME": self.folder})
        self.processes.append(server)
        self.screen.wait_for("starting Keyturn",
                             lambda: aws.wait_for_port(self.aws_port, server, "keyturn serve"))
        for person in ("alice", "bob", "carol"):
            done = self.run_keyturn("root", "person", "add", person)
            self.tokens[person] = find_token(done.stdout)
        self.run_keyturn("root", "agent", "add", "kiro", "--owner", "alice")
        self.screen.good("three persons: alice owns the agent kiro; bob and carol may review")
        self.screen.good("the real credentials are sealed in Keyturn's vault; the agent never sees them")
        self.screen.pause()

    def start_agent(self):
        purpose = "fix the rounding bug in Cost Explorer"
        self.screen.prompt("alice", f"keyturn run --agent kiro --purpose {quoted(purpose)} -- agent")
        environment = {"PATH": os.environ["PATH"], "HOME": self.folder, "AWS_REGION": aws.REGION,
                       "AWS_DEFAULT_REGION": aws.REGION, "AWS_PAGER": "",
                       "KEYTURN_URL": f"http://127.0.0.1:{self.api_port}",
                       "KEYTURN_TOKEN": self.tokens["alice"]}
        self.agent = subprocess.Popen(
            [self.keyturn, "run", "--agent", "kiro", "--purpose", purpose, "--",
             os.path.join(self.bin, "python"), os.path.join(HERE, "agent.py")],
            env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.processes.append(self.agent)

    def small_fix(self):
        text = self.agent_runs("cloudformation", "describe-stacks", "--stack-name", PROD, "--query",
                               "Stacks[0].[StackName,StackStatus,Outputs[0].OutputValue]", allowed=True)
        self.expect("floor" in text, "reading production is allowed")
        self.agent_runs("dynamodb", "update-item", "--table-name", "cost-rates-dev", "--key",
                        '{"sku":{"S":"sku-0"}}', "--update-expression", "SET rate = :r",
                        "--expression-attribute-values", '{":r":{"N":"0.0860"}}', allowed=True)
        self.expect(True, "changing development is allowed")
        text = self.agent_runs("dynamodb", "get-item", "--table-name", "cost-rates-prod", "--key",
                               '{"sku":{"S":"sku-0"}}', allowed=True)
        self.expect("0.0855" in text, "the item in production reads as before")
        self.screen.pause()

    def delete_is_held(self):
        text = self.agent_runs("cloudformation", "delete-stack", "--stack-name", PROD, allowed=False)
        change = find_change(text)
        self.expect("AccessDenied" in text, f"the gate holds it as {change}; to the agent it is an AWS error")
        self.expect_quietly("cost-explorer" in self.run_keyturn("bob", "change", "show", change).stdout,
                            "the stack's tags put it into its environment")
        self.expect(self.world.stack("prod")["StackStatus"] == "CREATE_COMPLETE",
                    "the stack has not been touched")
        self.screen.pause()
        return change

    def second_key(self, change):
        self.person_runs("alice", "approve", change, expected=3, lines=1)
        self.expect(True, "the agent's owner is no second key")
        self.person_runs("bob", "change", "show", change)
        self.person_runs("bob", "reject", change, "--words", WORDS, lines=1)
        text = self.agent_runs("cloudformation", "delete-stack", "--stack-name", PROD, allowed=False)
        self.expect("in place instead" in " ".join(text.split()), "the agent reads the reviewer's words")
        self.screen.pause()

    def update_in_place(self):
        update = ("cloudformation", "update-stack", "--stack-name", PROD, "--use-previous-template",
                  "--capabilities", "CAPABILITY_NAMED_IAM", "--parameters",
                  "ParameterKey=Stage,UsePreviousValue=true",
                  "ParameterKey=Rounding,ParameterValue=half-even")
        change = find_change(self.agent_runs(*update, allowed=False))
        self.person_runs("carol", "change", "show", change)
        self.person_runs("carol", "approve", change, "--words", "in place, reversible, go ahead", lines=1)
        self.agent_runs(*update, allowed=True)
        self.expect(outputs(self.world.stack("prod"))["Rounding"] == "half-even",
                    "the identical retry was executed: production now rounds half-even")
        again = find_change(self.agent_runs(*update, allowed=False))
        self.expect(again != change, f"a grant turns once: the same call again is held anew, as {again}")
        self.screen.pause()

    def aftermath(self):
        self.goes_around()
        self.end_agent()
        stack = self.world.stack("prod")
        self.expect(stack["StackStatus"] == "UPDATE_COMPLETE", f"{PROD} is alive: {stack['StackStatus']}")
        items = self.world.client("dynamodb").scan(TableName="cost-rates-prod")["Count"]
        self.expect(items == 3, f"its data is all there: {items} items")
        self.screen.prompt("carol", "keyturn ledger show")
        story = self.run_keyturn("carol", "ledger", "show").stdout
        self.screen.output(story, lines_max=60)
        for part in ("DeleteStack", "UpdateStack", "bob", "carol", "kiro"):
            self.expect_quietly(part in story, f"the ledger names {part}")
        self.person_runs("carol", "ledger", "verify")
        self.expect_no_errors()
        self.expect(True, "two keys for production; no agent turned both")

    def goes_around(self):
        self.screen.say("Could the agent go round the gate with the keys it has?")
        text = self.agent_runs("--endpoint-url", self.world.url, "cloudformation", "delete-stack",
                               "--stack-name", PROD, allowed=False)
        self.expect("Invalid" in text, "its session keys open nothing but the gate")

    def end_agent(self):
        self.agent.stdin.close()
        self.expect_quietly(self.agent.wait(30) == 0, "`keyturn run` ends with the agent's exit code")
        self.agent.stdout.close()
        self.agent.stderr.close()

    def expect_quietly(self, condition, what):
        if not condition:
            raise Failed(f"not so: {what}")

    def expect_no_errors(self):
        with open(os.path.join(self.folder, "keyturn.log"), encoding="utf-8") as file:
            bad = [line for line in file if '"level":"error"' in line]
        self.expect_quietly(not bad, "the server logged no error:\n" + "".join(bad))

    def stop(self):
        for process in reversed(self.processes):
            if process.poll() is None:
                process.terminate()
                try:
                    process.wait(15)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()
        if self.world:
            self.world.stop()

    def tail_of_log(self):
        path = os.path.join(self.folder, "keyturn.log")
        if not os.path.exists(path):
            return ""
        with open(path, encoding="utf-8") as file:
            return "".join(file.readlines()[-15:])


def quoted(text):
    return text if re.fullmatch(r"[\w@%+=:,./\[\]-]+", text) else "'" + text + "'"


def find_token(text):
    found = re.search(r"ktp_[\w-]+", text)
    if not found:
        raise Failed("no token in:\n" + text)
    return found.group(0)


def hide_tokens(text):
    return re.sub(r"ktp_([\w-]{4})[\w-]+", r"ktp_\1… (shown once)", text)


def find_change(text):
    found = re.search(r"CHG-\d+", text)
    if not found:
        raise Failed("no change id in:\n" + text)
    return found.group(0)


def outputs(stack):
    return {item["OutputKey"]: item["OutputValue"] for item in stack.get("Outputs", [])}


def main():
    parser = argparse.ArgumentParser(prog="./run demo", description=__doc__)
    parser.add_argument("--yes", action="store_true", help="no pauses")
    parser.add_argument("--keep", action="store_true", help="keep the demo's folder")
    parser.add_argument("--keyturn", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--bin", required=True, help=argparse.SUPPRESS)
    options = parser.parse_args()
    options.yes = options.yes or not sys.stdin.isatty()
    demo = Demo(options)
    started = time.monotonic()
    try:
        demo.play()
    except (Failed, RuntimeError, subprocess.TimeoutExpired) as failure:
        print(f"\nThe demo failed: {failure}", file=sys.stderr)
        print(f"\nThe server's last lines:\n{demo.tail_of_log()}", file=sys.stderr)
        return 1
    finally:
        demo.stop()
        if options.keep:
            print(f"\nEverything is kept in {demo.folder}")
        else:
            shutil.rmtree(demo.folder, ignore_errors=True)
    print(f"\nThe demo passed in {time.monotonic() - started:.0f} s.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
