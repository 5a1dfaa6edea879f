"""A server in a folder of its own, seen by strace, and enough of a client to make it count."""

import base64
import json
import os
import pathlib
import signal
import socket
import ssl
import subprocess
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = ROOT / "target/debug/parlor"
PASSWORD = "Correct-Horse-1"
METRICS_TOKEN = "for-the-check-alone"
PATIENCE = 60  # seconds; far above what anything here takes


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def until(what, so):
    """Asks again and again until it is so, and gives what it is."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        found = so()
        if found:
            return found
        time.sleep(0.1)
    raise SystemExit(f"it did not come to be in {PATIENCE} s: {what}")


class Parlor:
    """`parlor serve` under strace, whose list of system calls is in `trace`."""

    def __init__(self, home):
        self.home, self.port, self.trace = home, free_port(), home / "trace"
        self.environment = {
            "PATH": os.environ["PATH"],
            "PORT": str(self.port),
            "METRICS_TOKEN": METRICS_TOKEN,
            "MESSAGES_PER_SECOND": "0",
        }
        self.log = open(home / "log", "wb")
        self.strace = subprocess.Popen(
            ["strace", "-f", "-qq", "-o", self.trace, BINARY, "serve"],
            cwd=home,
            env=self.environment,
            stdout=self.log,
            stderr=self.log,
        )
        until("the server is ready", lambda: self.run("health", check=False).returncode == 0)
        self.tls = ssl.create_default_context(cafile=home / "certs/ca.pem")
        self.http = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=self.tls)
        )

    def run(self, *args, check=True):
        environment = {**self.environment, "PARLOR_PASSWORD": PASSWORD}
        return subprocess.run(
            [BINARY, *args], cwd=self.home, env=environment, check=check, capture_output=True, text=True
        )

    def call(self, path, body=None, token=None):
        """A request and its answer, as text."""
        headers = {"content-type": "application/json"}
        if token:
            headers["authorization"] = f"Bearer {token}"
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"https://localhost:{self.port}{path}", data, headers)
        with self.http.open(request, timeout=PATIENCE) as answer:
            return answer.read().decode()

    def login(self, name):
        self.run("user", "create", name, "--email", f"{name}@example.org", "--role", "admin")
        body = {"username": name, "password": PASSWORD}
        return json.loads(self.call("/api/auth/login", body))["token"]

    def join(self, room, token):
        """A socket in a room, once it is in."""
        plain = socket.create_connection(("127.0.0.1", self.port), PATIENCE)
        stream = self.tls.wrap_socket(plain, server_hostname="localhost")
        key = base64.b64encode(os.urandom(16)).decode()
        stream.sendall(
            f"GET /ws/{room}?token={token} HTTP/1.1\r\nHost: localhost:{self.port}\r\n"
            f"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
            f"Sec-WebSocket-Key: {key}\r\n\r\n".encode()
        )
        heard = b""
        while b'"type":"connected"' not in heard:
            more = stream.recv(65536)
            if not more:
                raise SystemExit(f"the server closed the socket: {heard!r}")
            heard += more
        return stream

    def metrics(self):
        return self.call("/metrics", token=METRICS_TOKEN)

    def stop(self):
        """Ends it in good order, and tells how. Again does no harm."""
        children = pathlib.Path(f"/proc/{self.strace.pid}/task/{self.strace.pid}/children")
        # Not strace itself, which would leave the server behind.
        for child in children.read_text().split() if children.exists() else []:
            os.kill(int(child), signal.SIGTERM)
        status = self.strace.wait(PATIENCE)
        self.log.close()
        return status
