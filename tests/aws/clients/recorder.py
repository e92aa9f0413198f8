"""An HTTP server that keeps every request as it came, and answers it itself or lets moto do so."""

import base64
import http.client
import http.server
import json
import threading

BODY_BYTES_MAX = 16 << 20  # far above what the clients are given to send
HOP = {"connection", "keep-alive", "transfer-encoding", "expect", "content-length"}


class Recorder:
    def __init__(self):
        self.records, self.lock = [], threading.Lock()
        self.client, self.expect, self.upstream = "", None, None
        owner = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            recorder = owner

            def log_message(self, *_):
                pass

            def __getattr__(self, name):
                if name.startswith("do_"):
                    return lambda: owner.handle(self)
                raise AttributeError(name)

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def now(self, client, expect=None, upstream=None):
        """What comes now: from whom, what it is (None: to be told by rules), who answers."""
        self.client, self.expect, self.upstream = client, expect, upstream

    def handle(self, request):
        target = request.requestline.split(" ")[1]
        body = read_body(request)
        if target == "/_expect":
            told = json.loads(body)
            self.now(told["client"], told["expect"], self.upstream)
            answer(request, 204, [], b"")
            return
        with self.lock:
            self.records.append({
                "client": self.client, "method": request.command, "target": target,
                "headers": [[n, v] for n, v in request.headers.items()],
                "body_base64": base64.b64encode(body).decode(), "expect": self.expect})
        if self.upstream is None:
            answer(request, 400, [("Content-Type", "text/plain")], b"recorded")
        else:
            answer(request, *ask(self.upstream, request, target, body))


def read_body(request):
    if request.headers.get("Transfer-Encoding", "").lower() == "chunked":
        pieces = []
        while True:
            size = int(request.rfile.readline().split(b";")[0], 16)
            if size > BODY_BYTES_MAX:
                raise ValueError("a chunk is larger than any client was given")
            piece = request.rfile.read(size)
            request.rfile.readline()
            if not piece:
                return b"".join(pieces)
            pieces.append(piece)
    size = int(request.headers.get("Content-Length") or 0)
    if size > BODY_BYTES_MAX:
        raise ValueError("a body is larger than any client was given")
    return request.rfile.read(size)


def ask(port, request, target, body):
    upstream = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    upstream.putrequest(request.command, target, skip_host=True, skip_accept_encoding=True)
    for name, value in request.headers.items():
        if name.lower() not in HOP:
            upstream.putheader(name, value)
    upstream.putheader("Content-Length", str(len(body)))
    upstream.endheaders(body)
    response = upstream.getresponse()
    data = response.read()
    headers = [(n, v) for n, v in response.getheaders() if n.lower() not in HOP]
    if request.command == "HEAD":
        headers.append(("Content-Length", response.getheader("Content-Length") or "0"))
    upstream.close()
    return response.status, headers, data


def answer(request, status, headers, body):
    request.send_response_only(status)
    for name, value in headers:
        request.send_header(name, value)
    if status != 204 and not any(n == "Content-Length" for n, _ in headers):
        request.send_header("Content-Length", str(len(body)))
    request.end_headers()
    if request.command != "HEAD":
        request.wfile.write(body)
