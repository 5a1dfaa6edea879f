"""The machine: cores, versions, scratch, free ports, and processes that surely end."""

import os
import pathlib
import platform
import signal
import socket
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
OUT = ROOT / "target" / "bench"
#: The server's core, and the generator's. With one core they share it, and the report says so.
CORES = sorted(os.sched_getaffinity(0))
SERVER_CORE = CORES[0]
LOAD_CORE = CORES[1] if len(CORES) > 1 else CORES[0]


def free_port():
    """A port of loopback that nobody listens on, below those of outgoing connections."""
    for port in range(9000, 20000):
        with socket.socket() as probe:
            # Without SO_REUSEADDR: a port that is being left counts as held.
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue
    raise RuntimeError("no free port")


def output(*command):
    """The first line that a program prints, or why there is none."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=20)
        return (done.stdout or done.stderr).strip().splitlines()[0]
    except (OSError, IndexError, subprocess.TimeoutExpired) as fault:
        return f"unknown ({type(fault).__name__})"


def processor():
    """What /proc calls the processor."""
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.machine()


def commit():
    """The commit that is measured, with a + when files differ from it."""
    name = output("git", "-C", str(ROOT), "rev-parse", "--short=12", "HEAD")
    changed = subprocess.run(
        ["git", "-C", str(ROOT), "status", "--porcelain", "--untracked-files=no"],
        capture_output=True, text=True, check=False,
    ).stdout.strip()
    return name + ("+" if changed else "")


def describe():
    """What a reader must know to compare: hardware, versions, and how busy it was before."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "processor": processor(),
        "cores": len(CORES),
        "memory_gib": round(memory / 2**30, 1),
        "kernel": platform.release(),
        "file_system": output("findmnt", "-no", "FSTYPE,OPTIONS", "-T", str(OUT)),
        "load_before": round(os.getloadavg()[0], 2),
        "rustc": output("rustc", "--version"),
        "postgresql": output("psql", "--version"),
        "parlor": commit(),
        "date": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
    }


class Process:
    """A server of one's own: pinned, its words in a file, ended with all its children."""

    def __init__(self, command, log, environment=None, cores=(SERVER_CORE,), folder=None):
        self.log = pathlib.Path(log)
        with open(self.log, "wb") as words:
            self.child = subprocess.Popen(
                ["taskset", "-c", ",".join(map(str, cores)), *map(str, command)],
                env={**os.environ, **(environment or {})}, cwd=folder or OUT,
                stdin=subprocess.DEVNULL, stdout=words, stderr=words, start_new_session=True,
            )

    @property
    def pid(self):
        return self.child.pid

    def wait_for_port(self, port, seconds=30):
        """Until somebody accepts; that it is not another process shows by ours being alive."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if self.child.poll() is not None:
                raise RuntimeError(f"it ended at once: {self.last_words()}")
            try:
                socket.create_connection(("127.0.0.1", port), 0.5).close()
                return
            except OSError:
                time.sleep(0.05)
        raise RuntimeError(f"it does not listen: {self.last_words()}")

    def last_words(self):
        return self.log.read_text(errors="replace")[-600:].strip()

    def end(self):
        """Asks, then makes sure; the session is its own, so nobody else is hit."""
        if self.child.poll() is None:
            self.child.send_signal(signal.SIGTERM)
            try:
                self.child.wait(15)
            except subprocess.TimeoutExpired:
                os.killpg(self.child.pid, signal.SIGKILL)
                self.child.wait()
