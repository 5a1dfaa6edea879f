"""Writes what was measured: report.md for people, report.json for programs, plots for both."""

import json

import plots
from samples import dig, interval
from targets import outcomes, per_socket

#: Title of a column, where its number is, and how it is shown.
COLUMNS = [
    ("deliveries/s", ("deliveries_per_second",), "{:,.0f}"),
    ("deliveries per server-CPU-s", ("deliveries_per_cpu_second",), "{:,.0f}"),
    ("bytes read a delivery", ("bytes_per_delivery",), "{:,.0f}"),
    ("acks/s", ("acks_per_second",), "{:,.0f}"),
    ("ack p50 ms", ("ack_ms", "p50"), "{:.2f}"),
    ("ack p99 ms", ("ack_ms", "p99"), "{:.2f}"),
    ("refused, sent again", ("refused",), "{:,.0f}"),
    ("requests/s", ("requests_per_second",), "{:,.0f}"),
    ("requests per server-CPU-s", ("requests_per_cpu_second",), "{:,.0f}"),
    ("p50 ms", ("latency_ms", "p50"), "{:.2f}"),
    ("p99 ms", ("latency_ms", "p99"), "{:.2f}"),
    ("p99.9 ms", ("latency_ms", "p999"), "{:.2f}"),
    ("all joined s", ("joined_seconds",), "{:.2f}"),
    ("all live again s", ("live_seconds",), "{:.2f}"),
    ("sockets", ("sockets",), "{:,.0f}"),
    ("server %", ("server_cpu_percent",), "{:.0f}"),
    ("generator %", ("generator_cpu_percent",), "{:.0f}"),
]


def write(folder, about, samples, missing):
    """Writes all files into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    reached = outcomes(samples)
    folder.joinpath("report.json").write_text(json.dumps({
        "about": about,
        "missing": missing,
        "targets": [{"name": each.name, "values": each.values, "bound": each.bound,
                     "at_least": each.at_least, "unit": each.unit, "reached": each.reached()}
                    for each in reached],
        "samples": samples.rows,
    }, indent=1), encoding="utf-8")
    drawn = plots.draw(folder, samples)
    text = [head(about), targets(reached), absent(missing, samples)]
    text += [section(samples, name) for name in samples.workloads()]
    text += ["## Plots\n", *(f"![{title}]({file})\n" for title, file in drawn)]
    folder.joinpath("report.md").write_text("\n".join(filter(None, text)), encoding="utf-8")


def head(about):
    lines = ["# Benchmark\n", table(["what", "this run"], [[k.replace("_", " "), str(v)]
                                                           for k, v in about.items()])]
    if max(about["load_before"], about["load_after"] - 2) > 0.5:
        lines.append("**The machine was busy with other work: only ratios of one round mean anything, "
                     "and those little.**\n")
    return "\n".join(lines)


def targets(reached):
    rows = [each.row() for each in reached]
    return "## Targets\n\nMedian of the rounds, and the interval that holds it; reached when the " \
        "interval reaches it.\n\n" + table(["what", "target", "median (interval)", ""], rows)


def absent(missing, samples):
    lines = [f"- {name} is missing: {why}" for name, why in missing.items()]
    lines += [f"- {row['workload']}, {row['contender']}, round {row['round'] + 1}: "
              f"{row['report']['failed']}" for row in samples.failures()]
    return "## Not measured\n\n" + "\n".join(lines) + "\n" if lines else ""


def section(samples, workload):
    if workload.startswith("idle"):
        return memory(samples, workload)
    found = [(who, list(samples.reports(workload, who).values()))
             for who in samples.contenders(workload)]
    found = [(who, reports) for who, reports in found if reports]
    shown = [column for column in COLUMNS
             if any(number(report, column[1]) for _, reports in found for report in reports)]
    rows = []
    for who, reports in found:
        rows.append([who] + [cell(reports, path, form) for _, path, form in shown])
    return f"## {workload}\n\n" + table(["", *(title for title, _, _ in shown)], rows)


def number(report, path):
    try:
        return dig(report, path)
    except KeyError:
        return 0


def cell(reports, path, form):
    values = [number(report, path) for report in reports]
    if not any(values):
        return "–"
    median, low, high = interval(values)
    if low == high:
        return form.format(median)
    return f"{form.format(median)} ({form.format(low)} … {form.format(high)})"


def memory(samples, workload):
    """What a socket costs the server and the kernel, and what a million would need."""
    rows = []
    for who in samples.contenders(workload):
        for report in samples.reports(workload, who).values():
            own = per_socket(report)
            grown = report["after"]["kernel_slab_kib"] - report["before"]["kernel_slab_kib"]
            # Both ends are on this machine; a server has one of them.
            kernel = grown / report["measured_sockets"] / 2
            rows.append([who, f"{own:.2f}", f"{kernel:.2f}", f"{report['idle_cpu_percent']:.2f}",
                         f"{report['joins_per_second']:,.0f}",
                         f"{report['join_cpu_microseconds']:,.0f}",
                         f"{(own + kernel) * 1e6 / 2**20:.1f}"])
    return f"## {workload}\n\n" + table(
        ["", "KiB a socket", "kernel KiB a socket", "idle CPU %", "joins/s", "CPU µs a join",
         "GiB for a million"], rows)


def table(titles, rows):
    lines = ["| " + " | ".join(titles) + " |", "|" + " --- |" * len(titles)]
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join(lines) + "\n"
