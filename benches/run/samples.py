"""What was measured, and what may be concluded from it."""

import math
import statistics


def interval(values):
    """The median with an interval around it that holds the true one in at least 90 of 100 runs.

    It is made of two of the values themselves, so nothing is assumed of how they are spread. Below
    five values it cannot be had: then it is all that was seen, and less sure.
    """
    ordered = sorted(values)
    count, left = len(ordered), 0
    while left + 1 < count / 2:
        outside = sum(math.comb(count, k) for k in range(left + 2)) / 2**count * 2
        if outside > 0.1:
            break
        left += 1
    return statistics.median(ordered), ordered[left], ordered[count - 1 - left]


class Samples:
    """Reports of the generator by workload and contender, in rounds."""

    def __init__(self):
        self.rows = []

    def add(self, workload, contender, turn, report):
        self.rows.append({"workload": workload, "contender": contender, "round": turn,
                          "report": report})

    def workloads(self):
        return list(dict.fromkeys(row["workload"] for row in self.rows))

    def contenders(self, workload):
        rows = (row for row in self.rows if row["workload"] == workload)
        return list(dict.fromkeys(row["contender"] for row in rows))

    def reports(self, workload, contender):
        """The good ones by round."""
        return {row["round"]: row["report"] for row in self.rows
                if (row["workload"], row["contender"]) == (workload, contender)
                and "failed" not in row["report"]}

    def failures(self):
        return [row for row in self.rows if "failed" in row["report"]]

    def values(self, workload, contender, *path):
        """One number of each round."""
        return {turn: dig(report, path) for turn, report in self.reports(workload, contender).items()}

    def ratios(self, over, under, *path):
        """One workload and contender over another, in pairs of the same round."""
        above, below = self.values(*over, *path), self.values(*under, *path)
        return [above[turn] / below[turn] for turn in above if below.get(turn)]


def dig(report, path):
    for key in path:
        report = report[key]
    return report
