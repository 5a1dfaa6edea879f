"""What is done, in which order: each function is one workload of `--only`."""

import contextlib
import itertools
import json
import shutil
import uuid

from load import Failed
from machine import OUT
from parlor import Parlor, Postgres
import peers
from stored import fill

FANOUTS = [(1000, 16), (1000, 1), (100, 16), (100, 1)]
ROOMS, MEMBERS = 200, 10
#: Bytes of a live frame and of a durable one, with their headers: 128 of content, and the envelope.
LIVE_FRAME, DURABLE_FRAME = 132, 514
#: Bytes of the header of a frame of that length.
HEADER = 4
#: Addresses of loopback that many sockets come from. With few, ports that were just left (TIME_WAIT,
#: a minute) fill them, and the generator searches for free ones instead of speaking.
SOURCES = 64
#: On the disk, with indexes and a log; an upper bound.
BYTES_STORED = 1500


class Bench:
    """What all workloads need: how long, how often, and where it is noted."""

    def __init__(self, generator, samples, profile, mode):
        self.generator, self.samples, self.profile, self.mode = generator, samples, profile, mode
        self.missing = {}

    def choose(self, smoke, quick, full):
        return {"smoke": smoke, "quick": quick, "full": full}[self.mode]

    @property
    def rounds(self):
        return range(self.choose(1, 2, 5))

    def parlor(self, **options):
        return Parlor(self.profile, **options)

    def measure(self, name, contender, turn, workload, server, **options):
        """Runs the generator and notes what it says; a failure is noted, too."""
        options.setdefault("seconds", self.choose(0.3, 0.5, 1.5))
        options.setdefault("warmup", self.choose(0.1, 0.2, 0.5))
        # Where deliveries are counted; docs/performance.md says why.
        options.setdefault("awake", workload in ("fanout", "rooms"))
        try:
            report = self.generator.run(workload, server, **options)
        except Failed as fault:
            if self.mode == "smoke":
                raise
            report = {"failed": str(fault)}
        self.samples.add(name, contender, turn, report)
        shown = report.get("failed") or ", ".join(
            f"{key} {value:.4g}" for key, value in report.items()
            if key.endswith(("_per_second", "_per_cpu_second", "_percent")) and value)
        print(f"  round {turn + 1}  {name}  {contender}: {shown}", flush=True)
        return report

    def there(self, peer):
        """Whether a peer can be had; if not, it is noted why."""
        if not peer.get():
            self.missing[peer.name] = peer.missing
        return peer.missing is None


def contenders(bench, rooms, others):
    """Fresh servers for a round: Parlor's two ways of saying something, and some peers.

    What is compared comes close behind each other: the machine changes within seconds.
    """
    yield "Parlor, durable", bench.parlor(protocol="durable", rooms=rooms)
    yield "Parlor, live", bench.parlor(protocol="live", rooms=rooms)
    for peer in others:
        if bench.there(peer):
            yield peer.name, peer.server(rooms=rooms)


def as_long(bench):
    """Frames as long as durable ones that nobody stores: what is left between is the journal's."""
    bare = peers.FANOUT[0]
    yield "Parlor, live, as long", bench.parlor(protocol="live", longer=DURABLE_FRAME - LIVE_FRAME)
    if bench.mode != "smoke" and bench.there(bare):
        yield f"{bare.name}, as long", bare.server(content=DURABLE_FRAME - HEADER)


def fanout(bench):
    """One sender, 1,000 or 100 hear; 16 messages on their way, or 1."""
    # More and shorter rounds than elsewhere: most targets are ratios of these.
    for turn in range(bench.choose(1, 2, 9)):
        others = bench.choose([], peers.FANOUT, peers.FANOUT)
        for name, server in (*contenders(bench, 1, others), *as_long(bench)):
            with server:
                for members, window in FANOUTS[:bench.choose(1, 2, 4)]:
                    sockets = bench.choose(50, members, members)
                    bench.measure(f"fan-out {members}, window {window}", name, turn, "fanout",
                                  server, sockets=sockets, window=window, warmup=0.2,
                                  seconds=bench.choose(0.3, 0.5, 0.8))


def rooms(bench):
    """200 rooms of 10, a message on its way in each; everybody sends in turn."""
    count = bench.choose(5, ROOMS, ROOMS)
    others = bench.choose([], peers.FANOUT[:1], peers.FANOUT)
    for turn in bench.rounds:
        for name, server in contenders(bench, count, others):
            with server:
                bench.measure("200 rooms of 10", name, turn, "rooms", server,
                              sockets=count * MEMBERS)


def latency(bench):
    """Every delivery at half of what live frames reach, the same rate for all."""
    members = bench.choose(50, 1000, 1000)
    bare = peers.FANOUT[0]
    for turn in bench.rounds:
        with bench.parlor(protocol="live") as server:
            most = bench.measure("latency: maximum", "Parlor, live", turn, "fanout", server,
                                 sockets=members)
            rate = max(most.get("messages_per_second", 0) / 2, 1)
            bench.measure("latency at half rate", "Parlor, live", turn, "fanout", server,
                          sockets=members, rate=rate)
        with bench.parlor() as server:
            bench.measure("latency at half rate", "Parlor, durable", turn, "fanout", server,
                          sockets=members, rate=rate)
        if bench.mode != "smoke" and bench.there(bare):
            with bare.server() as server:
                bench.measure("latency at half rate", bare.name, turn, "fanout", server,
                              sockets=members, rate=rate)


def slow(bench):
    """The others' latency with one socket among them that reads nothing, and without."""
    members = bench.choose(50, 1000, 1000)
    rate = bench.choose(50, 500, 500)
    for turn in bench.rounds:
        for deaf in (0, 1):
            # Of its own: who was thrown out once is not there the second time.
            with bench.parlor() as server:
                bench.measure("slow reader", f"{deaf} of {members} deaf", turn, "fanout", server,
                              sockets=members, rate=rate, deaf=deaf,
                              seconds=bench.choose(0.3, 1, 5))


def idle(bench):
    """Sockets that are signed in, have joined, and hear nothing."""
    sizes = bench.choose([(100, 10)], [(5000, 10)], [(10000, 10), (10000, 100), (18000, 10)])
    for sockets, room in sizes:
        for tls in (False, True):
            kind = "TLS" if tls else "plain"
            with bench.parlor(rooms=sockets // room, tls=tls) as server:
                bench.measure(f"idle, {sockets:,} sockets in rooms of {room}", f"Parlor, {kind}", 0,
                              "idle", server, sockets=sockets, sources=SOURCES,
                              warmup=bench.choose(0.1, 1, 4), seconds=bench.choose(0.3, 2, 65))
    for peer in peers.FANOUT if bench.mode == "full" else []:
        if bench.there(peer):
            with peer.server(rooms=1000) as server:
                bench.measure("idle, 10,000 sockets in rooms of 10", peer.name, 0, "idle", server, sockets=10000,
                              sources=SOURCES, warmup=2, seconds=5)


def storm(bench):
    """All are cut off, come back at once and resume; until each has what it missed."""
    sockets = bench.choose(50, 2000, 10000)
    for turn in bench.rounds:
        with bench.parlor(rooms=max(1, sockets // 100)) as server:
            bench.measure(f"storm of {sockets:,}", "Parlor", turn, "storm", server,
                          sockets=sockets, sources=SOURCES)


def durable(bench):
    """Messages until they are acknowledged, on both databases, in one room and in 16.

    A socket may have 32 messages on their way, so 512 senders are 16 sockets with 32 each.
    """
    with Postgres() as postgres:
        for turn in bench.rounds:
            for database in (None, postgres):
                kind = "PostgreSQL" if database else "SQLite"
                for rooms_count in (1, 16):
                    with bench.parlor(rooms=rooms_count, postgres=database) as server:
                        for senders in bench.choose((32,), (64, 512), (64, 512)):
                            bench.measure(f"durable, {senders} senders, {rooms_count} rooms", kind,
                                          turn, "senders", server, sockets=16,
                                          window=senders // 16)


def members(bench):
    """What a delivery costs as a room grows; beside what the kernel makes of it alone."""
    sizes = bench.choose((50, 100), (100, 2000), (100, 1000, 10000))
    bare = peers.FANOUT[0]
    for turn in bench.rounds:
        for size in sizes:
            with bench.parlor(protocol="live") as server:
                bench.measure("members of a room", f"{size:,}", turn, "fanout", server,
                              sockets=size, sources=SOURCES)
            if bench.mode != "smoke" and bench.there(bare):
                with bare.server() as server:
                    bench.measure(f"members of a room, {bare.name}", f"{size:,}", turn, "fanout",
                                  server, sockets=size, sources=SOURCES)


def stored(bench):
    """What a message costs as there are more of them, with ids in order of time and random ones."""
    sizes = bench.choose((100, 1000), (10_000, 100_000), (10_000, 10_000_000))
    with Postgres() as postgres:
        for database in (None, postgres):
            kind = "PostgreSQL" if database else "SQLite"
            with contextlib.ExitStack() as servers:
                filled = {}
                for size in sizes:
                    needed = size * BYTES_STORED
                    if shutil.disk_usage(OUT).free < needed:
                        bench.missing[f"{size:,} stored messages"] = \
                            f"needs {needed >> 30} GiB of disk"
                        continue
                    server = bench.parlor(postgres=database, prepare=lambda s, n=size: fill(s, n))
                    filled[size] = servers.enter_context(server)
                turns = itertools.product(bench.rounds, (False, True), filled.items())
                for turn, random_ids, (size, server) in turns:
                    ids = "random ids" if random_ids else "ids in order"
                    # Most of what it costs is the database's.
                    pids = f"{server.pid},{database.pid}" if database else server.pid
                    bench.measure(f"stored messages, {kind}, {ids}", f"{size:,}", turn, "senders",
                                  server, sockets=16, window=4, pid=pids, random_ids=random_ids)


def workers(bench):
    """One and two worker threads; with two, server and generator share the cores."""
    for turn in bench.rounds:
        for count in (1, 2):
            with bench.parlor(protocol="live", workers=count) as server:
                # Awake, the generator would take from the core that it shares.
                bench.measure("workers", f"{count}", turn, "fanout", server,
                              sockets=bench.choose(50, 1000, 1000), awake=False)


def rest(bench):
    """Routes beside the same ones of an actix-web that does nothing else."""
    actix = peers.BARE_ACTIX
    for turn in bench.rounds:
        with bench.parlor() as server:
            page = "/api/chat/rooms/r0000/messages"
            post = '{"content":"' + "x" * 128 + '"}'
            for number in range(50):
                server.ask("POST", page, {"content": "x" * 128,
                                          "client_message_id": str(uuid.uuid4())})
            routes = [("GET own user", "/api/users/me", None), ("GET page of 50", page, None),
                      ("POST message", page, post)]
            for name, path, body in routes:
                bench.measure(name, "Parlor", turn, "rest", server, sockets=32, path=path,
                              body=body)
            answers = write_answers(server, page)
        if bench.mode == "smoke" or not bench.there(actix):
            continue
        with actix.server(**answers) as server:
            for name, path, body in routes:
                bench.measure(name, actix.name, turn, "rest", server, sockets=32, path=path,
                              body=body)


def write_answers(server, page):
    """Answers as Parlor gives them, for the bare actix-web to repeat."""
    files = {}
    answers = {"ME": server.ask("GET", "/api/users/me"), "PAGE": server.ask("GET", page),
               "MESSAGE": server.ask("POST", page, {"content": "x" * 128})}
    peers.HOME.mkdir(parents=True, exist_ok=True)
    for name, answer in answers.items():
        path = peers.HOME / f"{name.lower()}.json"
        path.write_text(json.dumps(answer, separators=(",", ":")), encoding="utf-8")
        files[name] = str(path)
    return files


ALL = [fanout, rooms, latency, slow, idle, storm, durable, members, stored, workers, rest]
