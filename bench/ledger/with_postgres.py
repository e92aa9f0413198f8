"""with_postgres.py COMMAND…: runs it with the connection string of a PostgreSQL of its own as the last argument."""

import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "tests", "acceptance"))
import cluster  # noqa: E402

with cluster.running() as postgres:
    sys.exit(subprocess.run([*sys.argv[1:], postgres.dsn()], check=False).returncode)
