"""The scripted agent of the demo: runs the commands it is told, as an agent's shell tool would, in the
environment that `keyturn run` gave it. One JSON array per line in, one JSON object per line out."""

import json
import subprocess
import sys

for line in sys.stdin:
    done = subprocess.run(json.loads(line), capture_output=True, text=True, stdin=subprocess.DEVNULL)
    answer = {"code": done.returncode, "out": done.stdout, "err": done.stderr}
    print(json.dumps(answer), flush=True)
