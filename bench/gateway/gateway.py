"""The gateway beside nginx as a plain reverse proxy: requests per CPU-second of the server, latency at
light load, where the time goes, 10,000 held requests, and a large upload. One run, one machine, rounds
taken in turn. `./run bench gateway` prints the table of docs/benchmarks.md.

The upstream is nginx with a fixed answer, on the same machine. CPU is that of the measured server's
processes alone, user and system, from /proc."""

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests", "acceptance"))

import harness  # noqa: E402  the server with its people, agent and session
from harness import aws  # noqa: E402  ports

BUILD = os.path.join(ROOT, "build", "release", "bench", "gateway")
TICKS = os.sysconf("SC_CLK_TCK")
ROUNDS, SECONDS = 5, 6
LOADED, LIGHT = 64, 1  # connections
# Two file descriptors are kept for each connection, and two ports share them.
HELD = min(10_000, resource.getrlimit(resource.RLIMIT_NOFILE)[1] // 2 - 500)
CHANGES_MAX = 100  # that a session may have open
UPLOAD_MIB = 1024
ANSWER = json.dumps({"Table": {
    "TableName": "table", "TableStatus": "ACTIVE", "ItemCount": 42, "TableSizeBytes": 4096,
    "TableArn": "arn:aws:dynamodb:us-east-1:123456789012:table/table", "CreationDateTime": 1.7e9,
    "KeySchema": [{"AttributeName": "sku", "KeyType": "HASH"}],
    "AttributeDefinitions": [{"AttributeName": "sku", "AttributeType": "S"}],
    "ProvisionedThroughput": {"NumberOfDecreasesToday": 0, "ReadCapacityUnits": 5, "WriteCapacityUnits": 5}}})

KEYTURN = """\
[server]
api_port = {api_port}
aws_port = {aws_port}

[data]
path = "{data}"

[aws]
account = "{account}"
upstream = "{upstream}"
hold_wait = "10m"

[limits]
held_requests_per_session = 100

[[environment]]
name = "bench"
tier = "development"
match = [{{ arns = ["arn:aws:s3:::bench-dev*"] }}]
"""

NGINX = """\
{user}
worker_processes 2;
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 8192; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  keepalive_requests 100000000;
  client_max_body_size 0;
  {body}
}}
"""
FIXED = """server {{ listen 127.0.0.1:{port} backlog=4096; default_type application/x-amz-json-1.0;
    location / {{ return 200 '{answer}'; }}
    location /bench-dev/ {{ root {folder}/uploads; dav_methods PUT; create_full_put_path on; }}
  }}"""
PROXY = """upstream aws {{ server 127.0.0.1:{upstream}; keepalive 256; keepalive_requests 100000000; }}
  server {{ listen 127.0.0.1:{port} backlog=4096;
    location / {{ proxy_pass http://aws; proxy_http_version 1.1; proxy_set_header Connection "";
                  proxy_request_buffering off; }} }}"""


def processes_of(pid):
    """A process and all below it."""
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
        children = [int(word) for word in file.read().split()]
    return [pid] + [each for child in children for each in processes_of(child)]


def cpu_seconds(pid):
    total = 0
    for each in processes_of(pid):
        with open(f"/proc/{each}/stat", encoding="utf-8") as file:
            fields = file.read().rpartition(")")[2].split()
        total += int(fields[11]) + int(fields[12])
    return total / TICKS


def memory_mib(pid, name):
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        for line in file:
            if line.startswith(name + ":"):
                return int(line.split()[1]) / 1024
    raise KeyError(name)


class Nginx:
    def __init__(self, folder, body, **values):
        os.makedirs(os.path.join(folder, "uploads"))
        self.port = aws.free_port()
        path = os.path.join(folder, "nginx.conf")
        with open(path, "w", encoding="utf-8") as file:
            file.write(NGINX.format(folder=folder, user="user root;" if os.geteuid() == 0 else "", body=body.format(port=self.port, folder=folder, **values)))
        self.process = subprocess.Popen(["nginx", "-p", folder, "-c", path])
        aws.wait_for_port(self.port, self.process, "nginx")

    def stop(self):
        self.process.terminate()
        self.process.wait(10)


class Unrecorded:
    """The gateway whose store forgets."""

    def __init__(self, upstream):
        self.process = subprocess.Popen([os.path.join(BUILD, "bench_gateway_unrecorded"), upstream],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        keys = json.loads(self.process.stdout.readline())
        self.port = keys["port"]
        self.keys = {"aws_access_key_id": keys["id"], "aws_secret_access_key": keys["secret"],
                     "aws_session_token": keys["token"]}

    def stop(self):
        self.process.communicate("", timeout=30)


def generator(keys, *arguments, **options):
    environment = {name.upper(): keys[name] for name in
                   ("aws_access_key_id", "aws_secret_access_key", "aws_session_token")}
    return subprocess.Popen([os.path.join(BUILD, "bench_gateway_load"), *map(str, arguments)], text=True,
                            env={**os.environ, **environment}, stdout=subprocess.PIPE, **options)


def load(server, port, keys, connections):
    before = cpu_seconds(server.pid)
    done = generator(keys, "read", port, connections, SECONDS)
    answer = json.loads(done.communicate(timeout=SECONDS + 60)[0])
    assert answer["errors"] == 0, answer
    answer["per_cpu_second"] = answer["requests"] / (cpu_seconds(server.pid) - before)
    return answer


def metrics(keyturn):
    text = subprocess.run(["curl", "-sf", "-H", f"Authorization: Bearer {keyturn.tokens['root']}",
                           f"http://127.0.0.1:{keyturn.api_port}/metrics"], capture_output=True, text=True,
                          check=True).stdout
    pairs = (line.rpartition(" ") for line in text.splitlines() if not line.startswith("#"))
    return {name: float(value) for name, _, value in pairs}


def stages(keyturn):
    """Sum and count of each stage's seconds, from the server's own metrics."""
    values = metrics(keyturn)
    found = {name: f'keyturn_aws_stage_seconds_{{}}{{{{stage="{name}"}}}}' for name in
             ("verify", "understand", "decide", "sign", "upstream", "answer")}
    found["of decide: from question to durable verdict"] = "keyturn_gate_decide_seconds_{}"
    found["one batch of the store, with its sync"] = "keyturn_store_batch_seconds_{}"
    return {name: [values[key.format(what)] for what in ("sum", "count")] for name, key in found.items()}


def row(*cells):
    print("| " + " | ".join(str(cell) for cell in cells) + " |", flush=True)


def table(*heads):
    print()
    row(*heads)
    row(*["---"] * len(heads))


def throughput(contestants, connections):
    rounds = {name: [] for name in contestants}
    for _ in range(ROUNDS):
        for name, (server, port, keys) in contestants.items():
            rounds[name].append(load(server, port, keys, connections))
    table(f"{connections} connection{'s' * (connections > 1)}", "requests/CPU-second", "of nginx", "requests/s",
          "p50 µs", "p99 µs", "added p50 µs", "added p99 µs")
    middle = {name: {key: statistics.median(each[key] for each in all_rounds)
                     for key in ("per_cpu_second", "p50_us", "p99_us")} for name, all_rounds in rounds.items()}
    base = middle["nginx"]
    for name, figures in middle.items():
        ratio = statistics.median(mine["per_cpu_second"] / nginx["per_cpu_second"]
                                  for mine, nginx in zip(rounds[name], rounds["nginx"]))
        rate = statistics.median(each["requests"] / each["seconds"] for each in rounds[name])
        row(name, f"{figures['per_cpu_second']:,.0f}", f"{ratio:.2f}", f"{rate:,.0f}",
            f"{figures['p50_us']:.0f}", f"{figures['p99_us']:.0f}",
            f"{figures['p50_us'] - base['p50_us']:+.0f}", f"{figures['p99_us'] - base['p99_us']:+.0f}")


def where_time_goes(keyturn, keys):
    before = stages(keyturn)
    load(keyturn.process, keyturn.aws_port, keys, LOADED)
    after = stages(keyturn)
    table("stage", f"mean µs at {LOADED} connections")
    for stage, (total, count) in after.items():
        times = count - before[stage][1]
        row(stage, f"{(total - before[stage][0]) / times * 1e6:.1f}" if times else "–")


def held(keyturn):
    sessions = [keyturn.session() for _ in range(HELD // CHANGES_MAX)]
    count = len(sessions) * CHANGES_MAX
    idle = memory_mib(keyturn.process.pid, "VmRSS")
    running = [generator(keys, "hold", keyturn.aws_port, CHANGES_MAX, 0, stdin=subprocess.PIPE)
               for keys in sessions]
    harness.wait_until(lambda: metrics(keyturn)["keyturn_aws_held_requests"] >= count,
                       f"{count} held requests", 120)
    full = memory_mib(keyturn.process.pid, "VmRSS")
    left = sum(json.loads(each.communicate("", timeout=60)[0].splitlines()[-1])["answered"] for each in running)
    assert left == 0, f"{left} held requests were answered before their time"
    table("held requests", "RSS idle MiB", "RSS MiB", "more MiB", "KiB each", "10,000 take MiB")
    each = (full - idle) / count
    row(f"{count:,}", f"{idle:.1f}", f"{full:.1f}", f"{full - idle:.1f}", f"{each * 1024:.1f}",
        f"{each * 10_000:.1f}")


def upload(keyturn, keys):
    pid = keyturn.process.pid
    with open(f"/proc/{pid}/clear_refs", "w", encoding="ascii") as file:
        file.write("5")  # the peak starts anew
    idle = memory_mib(pid, "VmHWM")
    answer = json.loads(generator(keys, "upload", keyturn.aws_port, 1, UPLOAD_MIB).communicate(timeout=600)[0])
    assert answer["status"] in (200, 201, 204), answer
    peak = memory_mib(pid, "VmHWM")
    table("one PutObject", "seconds", "MiB/s", "idle MiB", "peak MiB", "more MiB")
    row(f"{UPLOAD_MIB} MiB", f"{answer['seconds']:.1f}", f"{UPLOAD_MIB / answer['seconds']:.0f}", f"{idle:.1f}",
        f"{peak:.1f}", f"{peak - idle:.1f}")


def main():
    with tempfile.TemporaryDirectory(dir=os.environ.get("KEYTURN_BENCH_FOLDER")) as folder:
        upstream = Nginx(os.path.join(folder, "upstream"), FIXED, answer=ANSWER)
        proxy = Nginx(os.path.join(folder, "proxy"), PROXY, upstream=upstream.port)
        url = f"http://127.0.0.1:{upstream.port}"
        sealed = {"AccessKeyId": "AKIABENCHBENCHBENCH1", "SecretAccessKey": "bench/" * 6 + "1234"}
        keyturn = harness.Keyturn(os.path.join(folder, "keyturn"), url, sealed, config=KEYTURN)
        unrecorded = Unrecorded(url)
        keys = keyturn.session()
        try:
            contestants = {"nginx": (proxy.process, proxy.port, keys),
                           "keyturn": (keyturn.process, keyturn.aws_port, keys),
                           "keyturn, recording off": (unrecorded.process, unrecorded.port, unrecorded.keys)}
            throughput(contestants, LOADED)
            throughput(contestants, LIGHT)
            where_time_goes(keyturn, keys)
            upload(keyturn, keys)
            held(keyturn)
            assert not keyturn.error_lines(), keyturn.error_lines()[:3]
        finally:
            for server in (unrecorded, keyturn, proxy, upstream):
                server.stop()


if __name__ == "__main__":
    main()
