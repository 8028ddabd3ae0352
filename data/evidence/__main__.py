"""`make evidence`: runs the experiments of data/evidence/ whose recordings are missing or old.

    python -m data.evidence                   all of them
    python -m data.evidence NAME [NAME ...]   some of them
    python -m data.evidence --again NAME      also if the recording is there
    python -m data.evidence --jobs 4          in so many processes, for a machine with as many cores

Ctrl-C at any time: the next call goes on where this one was.
"""

import argparse
import sys
import time

from data.evidence import load_experiments
from data.evidence.recording import is_there, record, work_ahead


def main():
    parser = argparse.ArgumentParser(description="Record what takes longer than a lesson may.")
    parser.add_argument("names", nargs="*", help="recordings (all)")
    parser.add_argument("--again", action="store_true", help="also those that are there already")
    parser.add_argument("--jobs", type=int, default=1, help="processes at once (1)")
    options = parser.parse_args()
    experiments = load_experiments()
    unknown = sorted(set(options.names) - set(experiments))
    if unknown:
        sys.exit(f"There is no experiment {', '.join(unknown)}. There are: {', '.join(sorted(experiments))}.")
    names = options.names or sorted(experiments)
    if options.again and options.jobs > 1:
        sys.exit("--again works in one process: leave --jobs out.")
    if options.jobs > 1:
        work_ahead([experiments[name] for name in names if not is_there(experiments[name])], options.jobs)
    for name in names:
        began = time.monotonic()
        ran = record(experiments[name], options.again)
        print(f"{name}: {f'recorded in {time.monotonic() - began:.0f} s' if ran else 'is there already'}", flush=True)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit("Interrupted; the same command goes on from here.")
    except OSError as error:
        sys.exit(f"{error.filename or 'The disk'} could not be written ({error.strerror}). All that was recorded is "
                 "whole; mend that, and the same command goes on from here.")
