"""The dashboard, the alerts and the unit's filter against a server that runs.

Every metric that they name is there, every expression is understood by Prometheus and finds something,
no alert fires for a healthy server, and the server makes no system call that the unit refuses.
"""

import contextlib
import pathlib
import re
import tempfile

import dashboard
import syscalls
from parlor import ROOT, Parlor, until
from prometheus import Prometheus

SCRAPES = 6
OURS = re.compile(r"\b(?:api|chat|process)_\w+")


def there(metrics):
    """The names that Prometheus knows from this text."""
    names = set()
    for name, kind in re.findall(r"^# TYPE (\w+) (\w+)$", metrics, re.MULTILINE):
        parts = ["_bucket", "_sum", "_count"] if kind == "histogram" else [""]
        names.update(name + part for part in parts)
    return names


def check_names(texts, metrics):
    used, known = set().union(*(OURS.findall(text) for text in texts)), there(metrics)
    if used - known:
        raise SystemExit(f"not in /metrics: {sorted(used - known)}")
    print(f"  {len(used)} metrics are used, and all are there")


def check_panels(prometheus, board):
    count = 0
    for title, expression, labels in dashboard.questions(board):
        found = prometheus.query(expression)
        if not found:
            raise SystemExit(f"{title}: nothing is found by {expression}")
        lacking = [series for series in found if labels - series.keys()]
        if lacking:
            raise SystemExit(f"{title}: {labels} are not in {lacking[0]}")
        count += 1
    for expression in dashboard.others(board):
        prometheus.query(expression)
    print(f"  {count} expressions of the dashboard find something")


def check_alerts(prometheus):
    rules = [rule for group in prometheus.ask("rules")["groups"] for rule in group["rules"]]
    for rule in rules:
        if rule["health"] != "ok" or rule["state"] == "firing":
            raise SystemExit(f"{rule['name']} is {rule['state']}, {rule['health']}: {rule.get('lastError')}")
    if not rules:
        raise SystemExit("Prometheus has no alerts")
    print(f"  {len(rules)} alerts are understood, and none fires")


def talk(parlor, token, prometheus):
    """Makes numbers, so that there is a rate of everything."""
    with contextlib.closing(parlor.join("general", token)):
        for scrapes in range(1, SCRAPES + 1):
            body = {"content": f"Hello {scrapes}"}
            parlor.call("/api/chat/rooms/general/messages", body, token)
            parlor.join("general", token).close()
            prometheus.has_seen(scrapes)


def main(home):
    board = dashboard.load()
    with contextlib.ExitStack() as ending:
        parlor = Parlor(home)
        ending.callback(parlor.stop)
        token = parlor.login("ada")
        prometheus = Prometheus(home, parlor)
        ending.callback(prometheus.stop)
        until("a Prometheus that is ready", prometheus.is_ready)
        talk(parlor, token, prometheus)
        rules = (ROOT / "deploy/prometheus/parlor.rules.yaml").read_text()
        check_names([rules, dashboard.PATH.read_text()], parlor.metrics())
        check_panels(prometheus, board)
        check_alerts(prometheus)
        status = parlor.stop()
        if status != 0:
            raise SystemExit(f"the server ended with {status}")
        syscalls.check(parlor.trace)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        main(pathlib.Path(folder))
