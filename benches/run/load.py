"""Calls the generator, and gives back what it saw."""

import json
import os
import subprocess

from machine import LOAD_CORE, ROOT


class Failed(Exception):
    """The generator could not do it; says why."""


class Generator:
    """The binary, of one build profile."""

    def __init__(self, profile):
        self.binary = ROOT / "target" / profile / "parlor-load"

    def run(self, workload, server, timeout=300, **options):
        """Runs one workload against a started server and returns the generator's report."""
        words = ["taskset", "-c", str(LOAD_CORE), str(self.binary), workload,
                 "--address", f"127.0.0.1:{server.port}"]
        for name, value in {"pid": server.pid, **server.options(), **options}.items():
            if value is None or value is False:
                continue
            words.append("--" + name.replace("_", "-"))
            if value is not True:
                words.append(str(value))
        try:
            done = subprocess.run(words, capture_output=True, text=True, timeout=timeout,
                                  env={**os.environ, "RUST_BACKTRACE": "0"})
        except subprocess.TimeoutExpired as fault:
            raise Failed(f"{workload} took more than {timeout} s") from fault
        if done.returncode != 0:
            words = done.stderr.strip().splitlines() or [f"ended with {done.returncode}"]
            raise Failed(f"{workload}: {words[0][:300]}")
        return json.loads(done.stdout)
