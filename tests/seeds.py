"""Do a lesson's assertions hold for other seeds? `make seeds LESSON=2` (or `python tests/seeds.py 02 --seeds 20`).

Replaces the number in the line `SEED = ...` of the text twin by 1000, 1001, ..., runs all cells for each, two seeds
at a time, and prints a table: which seed passed, or which assertion failed. Exit status 1 if one failed.
"""

import argparse
import os
import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LINE = re.compile(r"(?m)^SEED = \d+$")


def with_seed(source, seed):
    """The twin's source with another seed; ValueError if it has not exactly one line `SEED = number`."""
    source, found = LINE.subn(f"SEED = {seed}", source)
    if found != 1:
        raise ValueError(f"a lesson needs exactly one line `SEED = number`; found {found}")
    return source


def run(twin, seed):
    """"" if all cells ran, otherwise the last line of the error and the line of the lesson where it came up."""
    # a twin is plain Python: its text cells are comments, and `sliders` draws its first picture and prints its sentence
    code = with_seed(twin.read_text(encoding="utf-8"), seed)
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT / "notebooks",
        env=os.environ | {"MPLBACKEND": "agg", "OMP_NUM_THREADS": "1", "TQDM_DISABLE": "1"}, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return ""
    line = re.search(r'File "<string>", line (\d+), in <module>', done.stderr)
    at = f" at: {code.splitlines()[int(line[1]) - 1].strip()}" if line else ""
    return (done.stderr.strip().splitlines() or ["no message"])[-1] + at


def main():
    parser = argparse.ArgumentParser(description="Run a lesson with other seeds.")
    parser.add_argument("lesson", help="its number, such as 2 or 02")
    parser.add_argument("--seeds", type=int, default=20, help="how many (20)")
    parser.add_argument("--first", type=int, default=1000, help="the first seed (1000)")
    parser.add_argument("--jobs", type=int, default=2, help="how many at a time (2)")
    options = parser.parse_args()
    twins = sorted((ROOT / "notebooks" / "text").glob(f"{options.lesson.zfill(2)}_*.py"))
    if not twins:
        sys.exit(f"There is no lesson {options.lesson} in notebooks/text.")
    def timed(seed):
        began = time.monotonic()
        return seed, run(twins[0], seed), time.monotonic() - began

    failed = 0
    with ThreadPoolExecutor(options.jobs) as pool:
        for seed, error, seconds in pool.map(timed, range(options.first, options.first + options.seeds)):
            failed += bool(error)
            print(f"{twins[0].stem}  SEED {seed}  {seconds:4.0f} s  {error or 'all assertions hold'}", flush=True)
    print(f"{options.seeds - failed} of {options.seeds} seeds: all assertions hold")
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
