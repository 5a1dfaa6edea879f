"""SVG without a library: bars with their spread, and curves of latency."""

import html
import math

from samples import dig, interval
from targets import per_socket

WIDTH, LEFT, ROW, TOP = 760, 190, 30, 46
COLOURS = ["#0b6e99", "#c2410c", "#4d7c0f", "#7e22ce", "#ca8a04", "#0f766e", "#be123c", "#475569",
           "#1d4ed8"]
SHARES = [0, 0.5, 0.9, 0.99, 0.999, 0.9999]


def draw(folder, samples):
    """Draws all that there are figures for; returns titles and files."""
    drawn = []
    for workload in samples.workloads():
        file = "".join(c if c.isalnum() else "-" for c in workload.lower())
        for kind, title, picture in pictures(samples, workload):
            name = f"{file}-{kind}.svg"
            folder.joinpath(name).write_text(picture, encoding="utf-8")
            drawn.append((title, name))
    return drawn


def pictures(samples, workload):
    found = {who: list(samples.reports(workload, who).values())
             for who in samples.contenders(workload)}
    found = {who: reports for who, reports in found.items() if reports}
    if not found:
        return
    if workload.startswith("idle"):
        values = {who: [per_socket(report) for report in reports] for who, reports in found.items()}
        title = f"{workload}: KiB of the server for each"
        yield "memory", title, bars(title, values)
        return
    first = next(iter(found.values()))[0]
    for key, what in (("deliveries_per_cpu_second", "deliveries per server-CPU-second"),
                      ("acks_per_second", "messages a second"),
                      ("requests_per_cpu_second", "requests per server-CPU-second")):
        if first.get(key) and not (key == "acks_per_second" and "deliveries" in workload):
            values = {who: [report[key] for report in reports] for who, reports in found.items()}
            title = f"{workload}: {what}"
            yield "throughput" if "cpu" in key else "rate", title, bars(title, values)
    for key, what in (("latency_ms", "latency"), ("ack_ms", "time to the ack")):
        if first.get(key, {}).get("count"):
            title = f"{workload}: {what}"
            yield key[:-3], title, curves(title, {
                who: dig(reports[len(reports) // 2], (key, "curve"))
                for who, reports in found.items()})


def bars(title, values):
    """A bar a contender: its median, and a line over the interval."""
    most = max(max(numbers) for numbers in values.values()) or 1
    scale = (WIDTH - LEFT - 90) / most
    parts = []
    for row, (who, numbers) in enumerate(values.items()):
        median, low, high = interval(numbers)
        top = TOP + row * ROW
        middle = top + 9
        parts += [
            label(LEFT - 8, middle + 4, who, "end"),
            f'<rect x="{LEFT}" y="{top}" width="{max(median, 0) * scale:.1f}" height="18" '
            f'fill="{COLOURS[row % len(COLOURS)]}"/>',
            f'<line x1="{LEFT + max(low, 0) * scale:.1f}" x2="{LEFT + max(high, 0) * scale:.1f}" '
            f'y1="{middle}" y2="{middle}" stroke="#111" stroke-width="2"/>',
            label(LEFT + max(high, median, 0) * scale + 6, middle + 4, short(median)),
        ]
    return picture(title, TOP + len(values) * ROW + 10, parts)


def curves(title, values):
    """Latency by share of all, both so stretched that the last per mille shows."""
    height, bottom = 380, 300
    most = max(value for curve in values.values() for _, value in curve) or 1
    least = max(min(value for curve in values.values() for _, value in curve), most / 1e5)

    def x(share):
        return LEFT - 120 + (WIDTH - LEFT + 20) * min(-math.log10(max(1 - share, 1e-5)) / 5, 1)

    def y(value):
        span = math.log(most / least) or 1
        return bottom - (bottom - TOP) * math.log(max(value, least) / least) / span

    parts = [f'<line x1="{x(0)}" x2="{x(1)}" y1="{bottom}" y2="{bottom}" stroke="#999"/>']
    parts += [label(x(share), bottom + 18, f"{share:.4g}", "middle") for share in SHARES]
    power = math.ceil(math.log10(least))
    while 10**power <= most:
        parts += [label(x(0) - 6, y(10**power) + 4, f"{10**power:g} ms", "end"),
                  f'<line x1="{x(0)}" x2="{x(1)}" y1="{y(10**power):.1f}" y2="{y(10**power):.1f}" '
                  'stroke="#ddd"/>']
        power += 1
    for row, (who, curve) in enumerate(values.items()):
        colour = COLOURS[row % len(COLOURS)]
        points = " ".join(f"{x(share):.1f},{y(value):.1f}" for share, value in curve)
        parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>')
        left, down = x(0) + row % 4 * 165, bottom + 38 + row // 4 * 18
        parts += [f'<rect x="{left}" y="{down - 9}" width="10" height="10" fill="{colour}"/>',
                  label(left + 15, down, who)]
    return picture(title, height, parts)


def short(value):
    for size, letter in ((1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:.2f} {letter}"
    return f"{value:.2f}"


def label(x, y, text, anchor="start"):
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{html.escape(text)}</text>'


def picture(title, height, parts):
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" '
            f'viewBox="0 0 {WIDTH} {height}" font-family="sans-serif" font-size="13" role="img">'
            f"<title>{html.escape(title)}</title>"
            f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>'
            f'<text x="12" y="24" font-size="15" font-weight="bold">{html.escape(title)}</text>'
            + "".join(parts) + "</svg>\n")
