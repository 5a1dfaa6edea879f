"""A fresh Parlor: its own folder, database, users and rooms."""

import http.client
import json
import os
import pathlib
import shutil
import sqlite3
import ssl
import subprocess
import tempfile
import time

from machine import OUT, ROOT, SERVER_CORE, Process, free_port

#: The house's limits are for people, of whom the generator plays many at once.
SETTINGS = {
    "HOST": "127.0.0.1",
    "BCRYPT_COST": "4",
    "TYPING_SECONDS": "0",
    "MAX_CONNECTIONS": "0",
    "MAX_CONNECTIONS_PER_USER": "0",
    "SOCKETS_PER_MINUTE": "0",
    "MESSAGES_PER_SECOND": "0",
    "LOGIN_ATTEMPTS_PER_MINUTE": "0",
    "REGISTRATIONS_PER_MINUTE": "0",
    "ROOM_MESSAGES_PER_SECOND": "0",
    "JOINS_PER_MINUTE": "0",
    "ROOM_JOINS_PER_SECOND": "0",
    "RESETS_PER_HOUR": "0",
    "REFRESHES_PER_MINUTE": "0",
    "OAUTH_REQUESTS_PER_MINUTE": "0",
    "REQUESTS_PER_SECOND": "0",
    "TYPING_PER_SECOND": "0",
    "ROOM_TYPING_PER_SECOND": "0",
    "RUST_LOG": "warn",
}
ROOM = ("INSERT INTO chat_rooms (id, name, kind, last_seq, last_rev, created_at) "
        "VALUES ('{0}', '{0}', 'open', 0, 0, '2026-01-01T00:00:00.000000+00:00')")


class Parlor:
    """A context: started when entered, gone with its folder when left."""

    def __init__(self, profile, protocol="durable", users=11, rooms=1, tls=False, workers=1,
                 postgres=None, prepare=None, longer=0):
        self.binary = ROOT / "target" / profile / "parlor"
        self.protocol, self.tls, self.postgres = protocol, tls, postgres
        self.users, self.rooms, self.prepare, self.longer = users, rooms, prepare, longer
        self.cores = range(SERVER_CORE, SERVER_CORE + workers)
        self.tokens = []

    def __enter__(self):
        OUT.mkdir(parents=True, exist_ok=True)
        self.folder = tempfile.mkdtemp(prefix="parlor-", dir=OUT)
        self.process, self.environment = None, {}
        try:
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if self.process:
            self.process.end()
        if self.postgres and self.environment:
            self.postgres.drop(self.environment["DATABASE_URL"])
        shutil.rmtree(self.folder, ignore_errors=True)

    def start(self):
        self.port = free_port()
        self.database = f"{self.folder}/parlor.db"
        self.environment = {
            **SETTINGS,
            "PORT": str(self.port),
            "DATABASE_URL": self.postgres.fresh() if self.postgres else f"sqlite://{self.database}",
            "ENABLE_HTTPS": "true" if self.tls else "false",
            "SSL_CERT_PATH": f"{self.folder}/cert.pem",
            "SSL_KEY_PATH": f"{self.folder}/key.pem",
        }
        subprocess.run(["env", *map("=".join, self.environment.items()), self.binary, "migrate"],
                       check=True, cwd=self.folder, capture_output=True, timeout=60)
        self.sql([ROOM.format(f"r{room:04}") for room in range(self.rooms)])
        self.process = Process([self.binary, "serve"], f"{self.folder}/log", self.environment,
                               cores=self.cores, folder=self.folder)
        self.process.wait_for_port(self.port)
        if self.tls:
            self.wait_for_authority()
        self.sign_in()
        if self.prepare:
            self.prepare(self)

    def wait_for_authority(self):
        """The port is bound before the keys are made."""
        until = time.monotonic() + 30
        while not os.path.exists(f"{self.folder}/cert.pem") or not os.path.exists(self.authority()):
            if time.monotonic() > until:
                raise RuntimeError(f"no certificate: {self.process.last_words()}")
            time.sleep(0.05)

    def sql(self, statements):
        """Runs statements in one transaction."""
        if self.postgres:
            self.postgres.run(self.environment["DATABASE_URL"], statements)
            return
        with sqlite3.connect(self.database, timeout=30) as database:
            for statement in statements:
                database.execute(statement)
        database.close()

    def sign_in(self):
        """Makes the users; with such names a typing frame has 132 bytes, and `longer` more."""
        name = "U 0000"
        if self.longer:
            # A name has a hundred characters at most, but these have four bytes each.
            wide, narrow = divmod(len(name) + self.longer, 4)
            name = "\N{MATHEMATICAL BOLD SMALL X}" * wide + "x" * narrow
        for number in range(self.users):
            answer = self.ask("POST", "/api/auth/register", {
                "username": f"u{number:04}", "email": f"u{number}@example.com",
                "password": "Bench-Marrow-1", "full_name": name,
            })
            self.tokens.append(answer["token"])
        with open(f"{self.folder}/tokens", "w", encoding="ascii") as file:
            file.write("\n".join(self.tokens) + "\n")

    def ask(self, method, path, body=None):
        """One request, as the first user once there is one."""
        if self.tls:
            context = ssl.create_default_context(cafile=self.authority())
            line = http.client.HTTPSConnection("localhost", self.port, context=context, timeout=30)
        else:
            line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        headers = {"Content-Type": "application/json"}
        if self.tokens:
            headers["Authorization"] = f"Bearer {self.tokens[0]}"
        line.request(method, path, json.dumps(body) if body is not None else None, headers)
        answer = line.getresponse()
        text = answer.read()
        line.close()
        if answer.status >= 300:
            raise RuntimeError(f"{method} {path}: {answer.status} {text[:300]!r}")
        return json.loads(text)

    def authority(self):
        return f"{self.folder}/ca.pem"

    @property
    def pid(self):
        return self.process.pid

    def options(self):
        """What the generator must know."""
        return {
            "protocol": self.protocol,
            "tokens": f"{self.folder}/tokens",
            "rooms": self.rooms,
            "ca": self.authority() if self.tls else None,
        }


class Postgres:
    """A cluster of one's own, with a new database for each server."""

    def __init__(self):
        self.count = 0

    def __enter__(self):
        # Root's PostgreSQL runs as another user, who must reach the folder.
        self.folder = tempfile.mkdtemp(prefix="parlor-bench-")
        done = subprocess.run([ROOT / "script" / "postgres", "start", self.folder],
                              capture_output=True, text=True, timeout=120)
        if done.returncode != 0:
            raise RuntimeError(f"no PostgreSQL: {done.stderr.strip()[-300:]}")
        self.address = done.stdout.strip()
        lines = pathlib.Path(self.folder, "data", "postmaster.pid").read_text(encoding="utf-8")
        self.pid = int(lines.splitlines()[0])
        return self

    def __exit__(self, *_):
        subprocess.run([ROOT / "script" / "postgres", "remove", self.folder], check=False,
                       capture_output=True)

    def run(self, address, statements):
        subprocess.run(["psql", "-q", "-v", "ON_ERROR_STOP=1", "-1", "-f", "-", address],
                       input=";\n".join(statements) + ";\n", text=True, check=True,
                       capture_output=True, timeout=3600)

    def rest(self, address):
        """Has done at once what the database would do soon after much was written."""
        subprocess.run(["psql", "-q", "-c", "VACUUM ANALYZE", "-c", "CHECKPOINT", address], check=True,
                       capture_output=True, timeout=3600)

    def fresh(self):
        """A new database's address."""
        self.count += 1
        self.tell(f"CREATE DATABASE bench{self.count}")
        return f"{self.address.rsplit('/', 1)[0]}/bench{self.count}"

    def drop(self, address):
        self.tell(f"DROP DATABASE {address.rsplit('/', 1)[1]} WITH (FORCE)")

    def tell(self, statement):
        subprocess.run(["psql", "-q", "-c", statement, self.address], check=True,
                       capture_output=True, timeout=120)
