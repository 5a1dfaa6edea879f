"""As much of the language of Dockerfiles as ours uses; anything else ends the reading."""

import fnmatch
import json
import re
import subprocess

from parlor import ROOT


def instructions():
    """Each instruction and its words, stage by stage: [(image, name, [(instruction, rest)])]."""
    text = (ROOT / "Dockerfile").read_text()
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    stages = []
    for line in re.sub(r"\\\n\s*", "", "\n".join(lines)).splitlines():
        if not line.strip():
            continue
        word, rest = line.split(maxsplit=1)
        if word == "FROM":
            image, _, name = rest.partition(" AS ")
            stages.append((image, name, []))
        else:
            stages[-1][2].append((word, rest))
    return stages


def pairs(rest):
    """What an ENV sets."""
    return dict(pair.split("=", 1) for pair in rest.split())


def command(rest):
    """An ENTRYPOINT or a CMD."""
    return json.loads(rest)


def mounts(rest):
    """The folders that a RUN keeps between builds, and its command."""
    folders = re.findall(r"--mount=type=cache,target=(\S+)", rest)
    return folders, re.sub(r"--mount=\S+\s+", "", rest)


def context():
    """The files that a build would be sent: what .dockerignore leaves of the repository."""
    ignored = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and line[0] != "#"]
    told = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True)
    for path in told.stdout.split("\0"):
        if path and not any(is_matched(path, pattern) for pattern in ignored):
            yield path


def is_matched(path, pattern):
    """Whether a pattern names the file or a folder above it."""
    parts = path.split("/")
    ways = ["/".join(parts[: count + 1]) for count in range(len(parts))]
    if pattern.startswith("**/"):
        pattern = pattern.removeprefix("**/")
        ways = parts
    return any(fnmatch.fnmatchcase(way, pattern) for way in ways)
