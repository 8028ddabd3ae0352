"""Everything that has to be fast, measured on this machine: `make benchmark`, or `python -m tests.benchmarks [name]`.

Prints one table of what the bench_*.py beside this file return. Exit status 1 if a row is not as required, or a
benchmark failed. No part of the tests: a busy machine proves nothing.
"""

import importlib
import importlib.metadata
import os
import platform
import sys
import time
from pathlib import Path

WIDTHS = {"what": 62, "measured": 9, "unit": 14, "required": 10}
PACKAGES = ("torch", "numpy", "scipy", "matplotlib", "ipywidgets", "anywidget")


def cpu():
    """The processor's name, as well as it can be had."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        return next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def header():
    """The machine and how busy it is, the versions, the time; then the names of the columns."""
    busy = f", load {os.getloadavg()[0]:.1f} at the start" if hasattr(os, "getloadavg") else ""
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in PACKAGES)
    titles = " ".join(f"{name:{'>' if name == 'measured' else '<'}{width}}" for name, width in WIDTHS.items())
    return [f"{cpu()}, {os.cpu_count()} cores{busy}, {platform.system()}", f"Python {platform.python_version()}, {versions}",
            time.strftime("%Y-%m-%d %H:%M"), "", titles.rstrip(), "-" * (sum(WIDTHS.values()) + len(WIDTHS) + 6)]


def line(row):
    """A row of the table, in the columns of the header, with its verdict."""
    verdict = "" if not row.required else "ok" if row.ok else "NOT ok"
    words = f"{row.name:<{WIDTHS['what']}} {row.measured:>{WIDTHS['measured']},.4g} {row.unit:<{WIDTHS['unit']}}"
    return f"{words} {row.required:<{WIDTHS['required']}} {verdict}".rstrip()


def main(wanted=(), folder=Path(__file__).parent, package="tests.benchmarks"):
    """Run the benchmarks whose names contain one of the words (all without any), and print their table."""
    names = [path.stem for path in sorted(folder.glob("bench_*.py"))]
    names = [name for name in names if not wanted or any(word in name for word in wanted)]
    print("\n".join(header()), flush=True)
    missed, failed = 0, 0
    for name in names:
        try:
            rows = importlib.import_module(f"{package}.{name}").run()
        except Exception as error:  # the others still have something to say
            failed += 1
            print(f"{name} failed: {type(error).__name__}: {error}", flush=True)
            continue
        missed += sum(not row.ok for row in rows)
        for row in rows:
            print(line(row), flush=True)
    print(f"\n{missed} not as required, {failed} of {len(names)} benchmarks failed.")
    return int(missed > 0 or failed > 0 or not names)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
