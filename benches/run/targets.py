"""What Parlor must reach, and whether it did."""

import itertools
from dataclasses import dataclass

from samples import interval

CPU = ("deliveries_per_cpu_second",)
P99 = ("latency_ms", "p99")
LIVE, DURABLE = "Parlor, live", "Parlor, durable"
KIB = 1024


@dataclass
class Outcome:
    """One target: the values of its rounds, and which way is better."""

    name: str
    values: list
    bound: float
    at_least: bool = True
    unit: str = "×"
    #: Below so many rounds the interval is no more than what was seen.
    needed: int = 5

    def reached(self):
        """True when the interval of the median reaches it; None without a value."""
        if not self.values:
            return None
        _, low, high = interval(self.values)
        return high >= self.bound if self.at_least else low <= self.bound

    def row(self):
        sign = "≥" if self.at_least else "≤"
        target = f"{sign} {self.bound:g} {self.unit}"
        if not self.values:
            return [self.name, target, "not run", ""]
        median, low, high = interval(self.values)
        rounds = f"{len(self.values)} round" + ("s" if len(self.values) > 1 else "")
        shown = f"{median:.4g} ({low:.4g} … {high:.4g}, {rounds})"
        verdict = "reached" if self.reached() else "**not reached**"
        if len(self.values) < self.needed:
            verdict += ", but of too few rounds"
        return [self.name, target, shown, verdict]


def outcomes(samples):
    """All targets in the order in which they are told."""
    return [*fanout(samples), *idle(samples), *durable(samples), *latency(samples), *flat(samples)]


def fanout(samples):
    for members, window in itertools.product((1000, 100), (16, 1)):
        name = f"fan-out {members}, window {window}"
        for peer, bound in (("bare loop", 0.95), ("uWebSockets", 1), ("Bun", 1)):
            ratios = samples.ratios((name, LIVE), (name, peer), *CPU)
            yield Outcome(f"{name}: live over {peer}, deliveries per CPU-second", ratios, bound)
    name = "fan-out 1000, window 16"
    yield Outcome(f"{name}: durable over live", samples.ratios((name, DURABLE), (name, LIVE), *CPU),
                  0.9)
    long = samples.ratios((name, DURABLE), (name, f"{LIVE}, as long"), *CPU)
    yield Outcome(f"{name}: durable over live frames as long", long, 0.9)
    yield Outcome(f"{name}: durable over socket.io",
                  samples.ratios((name, DURABLE), (name, "socket.io"), *CPU), 10)


def per_socket(report):
    """KiB of the server's own memory for each socket; the kernel's is not in it."""
    grown = report["after"]["resident_kib"] - report["before"]["resident_kib"]
    return grown / report["measured_sockets"]


def idle(samples):
    for workload in samples.workloads():
        if not workload.startswith("idle"):
            continue
        for kind, bound in (("plain", 2.5), ("TLS", 10)):
            reports = samples.reports(workload, f"Parlor, {kind}").values()
            yield Outcome(f"{workload}, {kind}: memory of a socket",
                          [per_socket(report) for report in reports], bound, False, "KiB", needed=1)
            yield Outcome(f"{workload}, {kind}: processor while idle",
                          [report["idle_cpu_percent"] for report in reports], 2, False, "%",
                          needed=1)


def durable(samples):
    for kind in ("SQLite", "PostgreSQL"):
        rates = {}
        for rooms in (1, 16):
            name = f"durable, 512 senders, {rooms} rooms"
            rates[rooms] = name
            values = samples.values(name, kind, "acks_per_second").values()
            yield Outcome(f"{name}, {kind}: messages a second", list(values), 25_000, unit="/s")
            values = samples.values(name, kind, "ack_ms", "p99").values()
            yield Outcome(f"{name}, {kind}: ack p99", list(values), 40, False, "ms")
        ratios = samples.ratios((rates[1], kind), (rates[16], kind), "acks_per_second")
        yield Outcome(f"durable, 512 senders, {kind}: one hot room over 16", ratios, 1)


def latency(samples):
    name = "latency at half rate"
    yield Outcome(f"{name}: live p99 over the bare loop's",
                  samples.ratios((name, LIVE), (name, "bare loop"), *P99), 1.2, False)
    name, who = "slow reader", samples.contenders("slow reader")
    if len(who) == 2:
        yield Outcome("slow reader: the others' p99 with one over without",
                      samples.ratios((name, who[1]), (name, who[0]), *P99), 1.1, False)


def flat(samples):
    """The largest size over the smallest: what one more costs in processor time."""
    for workload in samples.workloads():
        sizes = samples.contenders(workload)
        if workload == "members of a room":
            number, what = CPU[0], "deliveries"
        elif workload.startswith("stored messages") and "random" not in workload:
            number, what = "acks_per_cpu_second", "messages"
        else:
            continue
        if len(sizes) > 1:
            ratios = samples.ratios((workload, sizes[-1]), (workload, sizes[0]), number)
            yield Outcome(f"{workload}: {what} per CPU-second, {sizes[-1]} over {sizes[0]}", ratios,
                          0.9)
        if workload == "members of a room":
            # More sockets than the processor's caches hold cost the kernel more, too.
            for size in sizes:
                ratios = samples.ratios((workload, size), (f"{workload}, bare loop", size), number)
                yield Outcome(f"{workload}: {size}, over the bare loop", ratios, 0.95)
