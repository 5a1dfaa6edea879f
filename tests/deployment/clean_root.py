"""The Dockerfile's steps in roots of our own, and the container's life: start, health, stop, start again.

The base images cannot be had without Docker's registry. In their place stands what they are made of:
Debian's smallest system; and with it, for the one with Rust, a C compiler and this machine's toolchain.
"""

import os
import pathlib
import shutil
import signal
import subprocess
import time

import dockerfile
from parlor import PATIENCE, ROOT, free_port, until

WORK = ROOT / "target/clean-root"
RUST_IMAGE = ["ca-certificates", "gcc", "libc6-dev"]


def run(*words, **more):
    return subprocess.run([str(word) for word in words], check=True, **more)


def base(image):
    """A fresh root for an image such as debian:trixie-slim."""
    suite = image.split(":")[1].removesuffix("-slim").split("-")[-1]
    made = WORK / f"base-{suite}"
    if not (made / "etc/debian_version").exists():
        shutil.rmtree(made, ignore_errors=True)
        run("debootstrap", "--variant=minbase", suite, made, stdout=subprocess.DEVNULL)
    root = WORK / image.replace(":", "-")
    shutil.rmtree(root, ignore_errors=True)
    run("cp", "--archive", "--reflink=auto", made, root)
    return root


class Stage:
    def __init__(self, image, others):
        self.image, self.others, self.root = image, others, base(image)
        self.environment = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
        self.folder, self.user, self.said = "/", "0:0", {}
        self.bind("/proc")
        self.bind("/dev")
        if image.startswith("rust:"):
            self.add_rust()

    def bind(self, source, target=None):
        inside = self.inside(target or source)
        inside.mkdir(parents=True, exist_ok=True)
        run("mount", "--rbind", source, inside)

    def inside(self, path):
        return self.root / str(path).lstrip("/")

    def chroot(self, *words, user="0:0", **more):
        places = ["chroot", f"--userspec={user}", self.root, "env", f"--chdir={self.folder}"]
        return [str(word) for word in [*places, *words]], {"env": self.environment, **more}

    def add_rust(self):
        resolver = pathlib.Path("/etc/resolv.conf")
        if resolver.exists():
            shutil.copy(resolver, self.inside("/etc/resolv.conf"))
        self.environment["DEBIAN_FRONTEND"] = "noninteractive"
        words, more = self.chroot("apt-get", "install", "-qq", "--no-install-recommends", *RUST_IMAGE)
        run(*words, **more, stdout=subprocess.DEVNULL)
        sysroot = subprocess.check_output(["rustc", "--print", "sysroot"], text=True).strip()
        cargo = pathlib.Path(os.environ.get("CARGO_HOME", pathlib.Path.home() / ".cargo"))
        self.bind(sysroot)
        self.bind(cargo / "registry")
        self.environment["PATH"] = f"{sysroot}/bin:{self.environment['PATH']}"
        # What Cargo.lock names is on this machine already; in Docker it would be fetched here.
        self.environment |= {"CARGO_HOME": str(cargo), "CARGO_NET_OFFLINE": "true"}

    def do(self, word, rest):
        """One instruction."""
        print(f"  {word} {rest[:90]}", flush=True)
        match word:
            case "WORKDIR":
                self.folder = rest
                self.inside(rest).mkdir(parents=True, exist_ok=True)
            case "USER":
                self.user = rest
            case "ENV":
                self.environment |= dockerfile.pairs(rest)
            case "COPY":
                self.copy(rest.split())
            case "RUN":
                self.run(rest)
            case "VOLUME" | "EXPOSE" | "STOPSIGNAL" | "ENTRYPOINT" | "CMD" | "HEALTHCHECK":
                self.said[word] = rest
            case _:
                raise SystemExit(f"{word} is not tried here")

    def copy(self, words):
        if words[0].startswith("--from="):
            other = self.others[words.pop(0).removeprefix("--from=")]
            sources = [other.inside(words[0])]
        elif words[0] == ".":
            for path in dockerfile.context():
                place = self.inside(self.folder) / path
                place.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / path, place)
            return
        else:
            sources = [ROOT / path for path in words[:-1]]
        target = self.inside(words[-1])
        folder = target if words[-1].endswith("/") else target.parent
        folder.mkdir(parents=True, exist_ok=True)
        for source in sources:
            shutil.copy2(source, target)

    def run(self, rest):
        folders, command = dockerfile.mounts(rest)
        for folder in folders:
            # Cargo's own is this machine's; see above.
            if not folder.startswith("/usr/local/cargo"):
                kept = WORK / "cache" / folder.strip("/").replace("/", "-")
                kept.mkdir(parents=True, exist_ok=True)
                self.bind(kept, folder)
        words, more = self.chroot("/bin/sh", "-c", command, user=self.user)
        run(*words, **more)


class Container:
    """What `docker run` would start."""

    def __init__(self, stage):
        self.stage = stage
        # The host's network is not the container's own: another port.
        stage.environment["PORT"] = str(free_port())
        words = dockerfile.command(stage.said["ENTRYPOINT"]) + dockerfile.command(stage.said["CMD"])
        command, more = stage.chroot(*words, user=stage.user)
        self.process = subprocess.Popen(
            command, **more, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )

    def is_healthy(self):
        check = self.stage.said["HEALTHCHECK"].split("CMD", 1)[1]
        words, more = self.stage.chroot(*dockerfile.command(check.strip()), user=self.stage.user)
        return subprocess.run(words, **more, capture_output=True).returncode == 0

    def stop(self):
        name = self.stage.said["STOPSIGNAL"]
        # chroot and env became the server: it is the container's first process.
        self.process.send_signal(getattr(signal, name))
        told, _ = self.process.communicate(timeout=PATIENCE)
        if self.process.returncode != 0:
            raise SystemExit(f"it ended with {self.process.returncode} on {name}:\n{told}")


def live(stage):
    """Starts, is healthy, keeps its data over a second start, and owns no file that others may read."""
    for turn in ["first", "second"]:
        container = Container(stage)
        try:
            until("the container is healthy", container.is_healthy)
            held = pathlib.Path(f"/proc/{container.process.pid}/status").read_text()
        finally:
            container.stop()
        if "\nUid:\t10001\t10001\t10001\t10001\n" not in held:
            raise SystemExit("it does not run as its own user")
        if container.is_healthy():
            raise SystemExit("a container that has stopped is healthy")
        print(f"  {turn} start: healthy, then stopped in good order")
    volume = stage.inside(stage.said["VOLUME"])
    if not (volume / "data/parlor.db").exists() or volume.stat().st_mode & 0o077:
        raise SystemExit(f"{volume} does not hold the database for its owner alone")


def main():
    WORK.mkdir(parents=True, exist_ok=True)
    stages = {}
    for image, name, steps in dockerfile.instructions():
        begun = time.monotonic()
        print(f"- {image}", flush=True)
        stage = Stage(image, stages)
        for word, rest in steps:
            stage.do(word, rest)
        stages[name] = stage
        print(f"  done in {time.monotonic() - begun:.0f} s")
    print("- as a container would run")
    live(stage)


if __name__ == "__main__":
    main()
