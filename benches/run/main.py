"""Measures Parlor beside its peers. See docs/performance.md; called by script/bench."""

import argparse
import json
import os
import pathlib
import subprocess
import sys

from load import Generator
import machine
import peers
import report
from samples import Samples
import workloads


def arguments():
    parser = argparse.ArgumentParser(prog="script/bench", description=__doc__)
    names = [workload.__name__ for workload in workloads.ALL]
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--quick", action="store_true", help="two minutes, fewer rounds and sizes")
    size.add_argument("--smoke", action="store_true",
                      help="seconds: that it works, on a debug build; no timing is looked at")
    parser.add_argument("--only", action="append", choices=names, metavar="WORKLOAD",
                        help="one of " + ", ".join(names) + "; may be given several times")
    return parser.parse_args()


def main():
    wanted = arguments()
    mode = "smoke" if wanted.smoke else "quick" if wanted.quick else "full"
    profile = "debug" if mode == "smoke" else "release"
    machine.OUT.mkdir(parents=True, exist_ok=True)
    about = {**machine.describe(), "mode": mode}
    samples = Samples()
    bench = workloads.Bench(Generator(profile), samples, profile, mode)
    # A smoke run must not take the place of figures.
    out = machine.OUT / "smoke" if mode == "smoke" else machine.OUT
    for workload in workloads.ALL:
        if not wanted.only or workload.__name__ in wanted.only:
            print(f"{workload.__name__}: {workload.__doc__.splitlines()[0]}", flush=True)
            try:
                workload(bench)
            except (RuntimeError, OSError, subprocess.SubprocessError) as fault:
                if mode == "smoke":
                    raise
                bench.missing[workload.__name__] = f"broken off: {fault}"
                print(f"  broken off: {fault}", flush=True)
            # Each time: of an hour, what was measured is kept.
            about |= peers.versions()
            about["load_after"] = round(os.getloadavg()[0], 2)
            report.write(out, about, samples, bench.missing)
    print(f"{pathlib.Path(out).relative_to(machine.ROOT)}/report.md")


if __name__ == "__main__":
    sys.exit(main())
