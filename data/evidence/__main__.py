"""`make evidence`: runs the experiments of data/evidence/ whose recordings are missing or old.

    python -m data.evidence                   all of them
    python -m data.evidence NAME [NAME ...]   some of them
    python -m data.evidence --again NAME      also if the recording is there

Ctrl-C at any time: the next call goes on where this one was.
"""

import argparse
import sys
import time

from data.evidence import load_experiments
from data.evidence.recording import record


def main():
    parser = argparse.ArgumentParser(description="Record what takes longer than a lesson may.")
    parser.add_argument("names", nargs="*", help="recordings (all)")
    parser.add_argument("--again", action="store_true", help="also those that are there already")
    options = parser.parse_args()
    experiments = load_experiments()
    unknown = sorted(set(options.names) - set(experiments))
    if unknown:
        sys.exit(f"There is no experiment {', '.join(unknown)}. There are: {', '.join(sorted(experiments))}.")
    for name in options.names or sorted(experiments):
        began = time.monotonic()
        ran = record(experiments[name], options.again)
        print(f"{name}: {f'recorded in {time.monotonic() - began:.0f} s' if ran else 'is there already'}", flush=True)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit("Interrupted; the same command goes on from here.")
