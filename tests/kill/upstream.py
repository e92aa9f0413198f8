"""An AWS that counts: every request is remembered by the mark in it. It judges nothing, so that what it
counts is all that the gate let through. Now and then it answers late or not at all."""

import http.server
import re
import threading
import time

MARK = re.compile(r"mark-\d+")
MUTATES = ("PutItem", "UpdateTable", "DeleteTable")


class Upstream:
    def __init__(self, random):
        self.random, self.lock = random, threading.Lock()
        self.counts, self.looks = {}, {}  # mutations and the rest, by mark
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self.handler())
        self.server.daemon_threads = True
        self.server.handle_error = lambda *_: None  # the gate is killed, its connections with it
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def take(self, operation, body):
        """Counts a request; returns how long it takes, or None for one that gets no answer."""
        with self.lock:
            counts = self.counts if operation.endswith(MUTATES) else self.looks
            for mark in MARK.findall(body):
                counts[mark] = counts.get(mark, 0) + 1
            if self.random.random() < 0.03:
                return None
            return self.random.random() ** 4 * 0.08

    def executed(self):
        with self.lock:
            return dict(self.counts), dict(self.looks)

    def handler(self):
        upstream = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
                seconds = upstream.take(self.headers.get("X-Amz-Target", ""), body)
                if seconds is None:
                    self.close_connection = True
                    return
                time.sleep(seconds)
                try:
                    self.send_response(200)
                    self.send_header("Content-Type", "application/x-amz-json-1.0")
                    self.send_header("Content-Length", "2")
                    self.end_headers()
                    self.wfile.write(b"{}")
                except OSError:
                    pass  # the gate was killed

            def log_message(self, *_):
                pass

        return Handler
