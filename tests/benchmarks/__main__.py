"""Everything that has to be fast, measured on this machine: `make benchmark`, or `python -m tests.benchmarks [name]`.

Every bench_*.py beside this file has a function run() that returns rows (name, measured, required, unit, ok).
Exit status 1 if a row is not ok. No part of the tests: a busy machine proves nothing.
"""

import importlib
import os
import platform
import sys
from pathlib import Path


def cpu():
    """The processor's name, as well as it can be had."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        return next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def main(wanted):
    """Run the benchmarks whose names contain one of the words (all without any); prints one table."""
    names = [path.stem for path in sorted(Path(__file__).parent.glob("bench_*.py"))]
    names = [name for name in names if not wanted or any(word in name for word in wanted)]
    print(f"{cpu()}, {os.cpu_count()} cores, Python {platform.python_version()}", flush=True)
    good = True
    for name in names:
        for what, measured, required, unit, ok in importlib.import_module(f"tests.benchmarks.{name}").run():
            good = good and bool(ok)
            line = f"{what:<55} {measured:>9.4g} {unit:<15}"
            if required is not None:  # some rows only say what was compared
                line += f" required {required:>6.4g}  {'ok' if ok else 'NOT ok'}"
            print(line.rstrip(), flush=True)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
