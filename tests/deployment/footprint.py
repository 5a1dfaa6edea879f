"""From exec to the first 200 of /health/ready, and the memory of a server that nobody talks to.

Each run is a process of its own on the same database: over TLS, as it is by default, and without, where
the asking itself costs least.
"""

import os
import pathlib
import socket
import ssl
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = ROOT / "target/release/parlor"
REQUEST = b"GET /health/ready HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
MOST_MS, MOST_MB = 100, 30
PATIENCE = 30  # seconds
IDLE = 12  # seconds; what a server does by itself, it has done twice by then


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def is_ready(port, tls):
    try:
        stream = socket.create_connection(("127.0.0.1", port), PATIENCE)
    except ConnectionRefusedError:
        return False
    with stream:
        if tls:
            stream = tls.wrap_socket(stream, server_hostname="localhost")
        stream.sendall(REQUEST)
        return stream.recv(64).startswith(b"HTTP/1.1 200 ")


class Server:
    """One process, until the end of a `with`."""

    def __init__(self, home, tls, https):
        self.tls, self.port = tls, free_port()
        environment = {"PORT": str(self.port), "ENABLE_HTTPS": str(https).lower()}
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        self.begun = time.perf_counter()
        self.process = subprocess.Popen([BINARY], cwd=home, env=environment, **quiet)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(PATIENCE)

    def ready_ms(self):
        while not is_ready(self.port, self.tls):
            if self.process.poll() is not None or time.perf_counter() - self.begun > PATIENCE:
                raise SystemExit("the server does not start")
            time.sleep(0.0005)
        return (time.perf_counter() - self.begun) * 1000

    def processor_ms(self):
        """What the threads that there are have computed; none has ended at a start."""
        tasks = pathlib.Path(f"/proc/{self.process.pid}/task").iterdir()
        return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e6

    def resident_mb(self):
        pages = pathlib.Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE") / 1e6


def measure(name, runs, **server):
    """Prints what it finds, and tells whether it is little enough."""
    walls, processor = [], []
    for _ in range(runs):
        with Server(**server) as running:
            walls.append(running.ready_ms())
            processor.append(running.processor_ms())
    with Server(**server) as idle:
        idle.ready_ms()
        time.sleep(IDLE)
        resident = idle.resident_mb()
    wall, computed = statistics.median(walls), statistics.median(processor)
    print(
        f"{name:8} ready after {wall:.1f} ms ({min(walls):.1f} to {max(walls):.1f}), of which "
        f"{computed:.1f} ms of a processor; {resident:.1f} MB when idle",
        flush=True,
    )
    # A machine that is busy with something else makes it wait, but not compute.
    return (wall <= MOST_MS or computed <= MOST_MS / 2) and resident <= MOST_MB


def main(home, runs):
    with Server(home, None, https=False) as first:
        first.ready_ms()
    results = [measure("plain", runs, home=home, tls=None, https=False)]
    # Another first start: it makes the certificate.
    authority = home / "certs/ca.pem"
    with Server(home, None, https=True):
        begun = time.perf_counter()
        while not authority.exists() and time.perf_counter() - begun < PATIENCE:
            time.sleep(0.01)
    tls = ssl.create_default_context(cafile=authority)
    results.append(measure("TLS", runs, home=home, tls=tls, https=True))
    if not all(results):
        raise SystemExit(f"more than {MOST_MS} ms or {MOST_MB} MB")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        main(pathlib.Path(folder), int(sys.argv[1]))
