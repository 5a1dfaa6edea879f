"""Judges a run of the Autobahn cases: python autobahn.py INDEX.json

Every case passes or is explained in autobahn.txt, and what is explained must be just so.
"""

import collections
import fnmatch
import json
import pathlib
import sys

PASSES = {"OK", "NON-STRICT", "INFORMATIONAL"}


def explanations():
    """The rows of autobahn.txt: pattern, behaviour, close code, reason."""
    text = pathlib.Path(__file__).with_name("autobahn.txt").read_text()
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [line.split(None, 3) for line in lines]


def expected(rows, case, result):
    """Whether a case passes, or fails just as its row says."""
    for pattern, behavior, code, _ in rows:
        if fnmatch.fnmatchcase(case, pattern):
            seen = str(result.get("remoteCloseCode"))
            return result["behavior"] == behavior and code in ("-", seen)
    return result["behavior"] in PASSES and result["behaviorClose"] in PASSES


def main(path):
    (results,) = json.loads(pathlib.Path(path).read_text()).values()
    rows = explanations()
    for behavior, count in sorted(collections.Counter(r["behavior"] for r in results.values()).items()):
        print(f"{count:4} {behavior}")
    wrong = [f"{case}: {result}" for case, result in results.items() if not expected(rows, case, result)]
    if wrong or not results:
        sys.exit("not as expected:\n" + "\n".join(wrong))
    print(f"{len(results)} passed or explained, 0 failed")


main(sys.argv[1])
