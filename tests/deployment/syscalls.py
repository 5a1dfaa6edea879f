"""Whether the unit lets Parlor do all that it does: the calls it made, against those it may make."""

import os
import re
import subprocess

from parlor import ROOT


# SQLite gives its files the owner of the database when it runs as root, which the unit's user is not.
ROOTS = {"fchown"}


def members(name, known={}):
    """The system calls that a group such as @system-service stands for."""
    if not name.startswith("@"):
        return {name}
    if name not in known:
        told = subprocess.run(
            ["systemd-analyze", "syscall-filter", name, "--no-pager"], check=True, capture_output=True, text=True
        )
        lines = [line.strip() for line in told.stdout.splitlines()[1:]]
        names = [line for line in lines if line and not line.startswith("#")]
        known[name] = set().union(*(members(line) for line in names))
    return known[name]


def allowed():
    unit = (ROOT / "deploy/parlor.service").read_text()
    calls = set()
    for line in re.findall(r"^SystemCallFilter=(.+)$", unit, re.MULTILINE):
        named = set().union(*(members(name) for name in line.removeprefix("~").split()))
        calls = calls - named if line.startswith("~") else calls | named
    return calls


def check(trace):
    made = set(re.findall(r"^\d+ +(\w+)\(", trace.read_text(errors="replace"), re.MULTILINE))
    refused = made - allowed() - (ROOTS if os.geteuid() == 0 else set())
    if refused or len(made) < 30:
        raise SystemExit(f"the unit's SystemCallFilter refuses {sorted(refused)} of {sorted(made)}")
    print(f"  {len(made)} system calls were made, and the unit allows them all")
