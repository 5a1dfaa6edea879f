"""The dashboard, as far as it can be judged by reading it; and what it asks of Prometheus."""

import json
import re

from parlor import ROOT

PATH = ROOT / "deploy/grafana/parlor.json"
WIDTH = 24  # columns, in Grafana

VARIABLES = {"$__rate_interval": "10s", "$instance": ".*", "${datasource}": ""}


def resolved(expression):
    """An expression as Grafana would send it."""
    for name, value in VARIABLES.items():
        expression = expression.replace(name, value)
    if "$" in expression:
        raise SystemExit(f"{expression}: a variable that the dashboard does not have")
    return expression


def load():
    dashboard = json.loads(PATH.read_text())
    check_places(dashboard["panels"])
    names = {variable["name"] for variable in dashboard["templating"]["list"]}
    if names != {"datasource", "instance"}:
        raise SystemExit(f"the dashboard's variables are {names}")
    return dashboard


def check_places(panels):
    """Every panel has an id and a place of its own."""
    taken, ids = {}, set()
    for panel in panels:
        if panel["id"] in ids:
            raise SystemExit(f"{panel['title']} has the id of another panel")
        ids.add(panel["id"])
        place = panel["gridPos"]
        if place["x"] + place["w"] > WIDTH:
            raise SystemExit(f"{panel['title']} is too wide")
        for x in range(place["x"], place["x"] + place["w"]):
            for y in range(place["y"], place["y"] + place["h"]):
                if (x, y) in taken:
                    raise SystemExit(f"{panel['title']} lies on {taken[x, y]}")
                taken[x, y] = panel["title"]


def questions(dashboard):
    """Each panel's title, expression, and the labels that its legend shows."""
    for panel in dashboard["panels"]:
        targets = panel.get("targets", [])
        if panel["type"] != "row" and not targets:
            raise SystemExit(f"{panel['title']} asks nothing")
        for target in targets:
            labels = set(re.findall(r"{{(\w+)}}", target["legendFormat"]))
            yield panel["title"], resolved(target["expr"]), labels


def others(dashboard):
    """What is asked beside the panels."""
    for annotation in dashboard["annotations"]["list"]:
        yield resolved(annotation["expr"])
    for variable in dashboard["templating"]["list"]:
        if variable["type"] == "query":
            yield re.fullmatch(r"label_values\((.+), \w+\)", variable["definition"])[1]
