"""Each lesson as a restless learner uses it, all in one kernel: `make orders`, or `make orders LESSON=7`.

1. All cells, from top to bottom. 2. Every control is moved at random: 50 settings of each figure (tests/sweep.py).
3. All cells once more: they print the same. 4. From an empty namespace, the first two cells (the bootstrap and the
imports), then one section alone, for every section: it works, or says which cells to run first.

Prints a line for each lesson and a sentence for all that is not so; exit status 1 if there is one.
"""

import argparse
import asyncio
import copy
import itertools
import os
import re
import sys
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient

from helpers.guide import HOW
from notebooks import rebuild

ROOT = Path(__file__).resolve().parent.parent
PATIENCE = 600  # seconds for one cell; the sweep is one
SWEEP = f"import sys\nsys.path.insert(0, {str(ROOT)!r})\nfrom tests.sweep import assert_sound\nassert_sound()"


def printed(cell):
    """What a cell shows in words, without what differs from run to run; None if its output is not compared."""
    if "nbval-ignore-output" in cell.metadata.get("tags", ()):
        return None
    return "".join(output.get("text", output.get("data", {}).get("text/plain", "")) for output in cell.outputs)


def sections(book):
    """Lists of code cells, one for each level-2 heading that has some, with the heading: [(heading, cells)]."""
    heading, found = "", []
    for cell in book.cells:
        if cell.cell_type == "markdown":
            heading = next(reversed(re.findall(r"(?m)^## (.*\S)", cell.source)), heading)
        elif cell.source.strip():
            found.append((heading, cell))
    return [(name, [cell for _, cell in group])
            for name, group in itertools.groupby(found, key=lambda pair: pair[0])]


class Kernel:
    """A kernel in notebooks/ that runs cells; `run` gives complaints, as rebuild.py would make them."""

    def __init__(self, folder):
        self.book = nbformat.v4.new_notebook(metadata=rebuild.METADATA)
        self.client = NotebookClient(self.book, timeout=PATIENCE, startup_timeout=120, kernel_name="python3",
                                     allow_errors=True, extra_arguments=["--log-level=40"],
                                     resources={"metadata": {"path": str(folder)}})

    async def run(self, cell):
        """(the cell with its outputs, sentences about what is wrong in them)."""
        cell = copy.deepcopy(cell)
        self.book.cells = [cell]
        await self.client.async_execute_cell(cell, 0)
        return cell, rebuild.complaints(self.book)


async def restless(book, folder):
    """(sentences about one lesson, a summary)."""
    kernel, found, said = Kernel(folder), [], []
    code = [cell for cell in book.cells if cell.cell_type == "code" and cell.source.strip()]
    async with kernel.client.async_setup_kernel(env=os.environ | rebuild.ENVIRONMENT | {"SWEEP_SECONDS": "inf"}):
        first = []
        for cell in code:
            ran, wrong = await kernel.run(cell)
            first.append(ran)
            found += [f"first run: {sentence}" for sentence in wrong]
        ran, _ = await kernel.run(nbformat.v4.new_code_cell(SWEEP))
        found += [f"controls: {line}" for output in ran.outputs if output.output_type == "error" for line in output.evalue.splitlines()]
        said += [output.text.strip() for output in ran.outputs if output.output_type == "stream"]
        for cell, before in zip(code, first):
            ran, wrong = await kernel.run(cell)
            found += [f"second run: {sentence}" for sentence in wrong]
            if printed(ran) != printed(before):
                found.append(f"second run: {rebuild.first_line(cell.source)!r} prints {printed(ran)!r}, and at first "
                             f"{printed(before)!r}")
        alone, told = 0, 0
        for heading, cells in sections(book)[1:]:
            await kernel.run(nbformat.v4.new_code_cell("%reset -f"))
            for cell in [*code[:2], *cells]:
                _, wrong = await kernel.run(cell)
                if wrong:
                    told += 1
                    found += [f"only {heading!r}: {sentence}" for sentence in wrong if HOW[:30] not in sentence]
                    break
            else:
                alone += 1
        said.append(f"of the sections, {alone} work alone and {told} say what to run first")
    return found, "; ".join(said)


async def main(arguments=None):
    parser = argparse.ArgumentParser(description="Use the lessons out of order.")
    parser.add_argument("lessons", nargs="*", help="their numbers, such as 2 or 02 (default: all)")
    parser.add_argument("--folder", type=Path, default=ROOT / "notebooks", help="of the notebooks")
    parser.add_argument("--jobs", type=int, default=2, help="lessons at a time (default: 2)")
    options = parser.parse_args(arguments)
    numbers = tuple(number.zfill(2) for number in options.lessons)
    paths = [path for path in sorted(options.folder.glob("[0-9]*.ipynb")) if not numbers or path.stem[:2] in numbers]
    if not paths:
        parser.error(f"there is no lesson {', '.join(options.lessons)}")
    gate = asyncio.Semaphore(options.jobs)

    async def one(path):
        async with gate:
            began = time.monotonic()
            found, said = await restless(nbformat.read(path, as_version=4), options.folder)
        print(f"{path.stem}: {said}, {time.monotonic() - began:.0f} s", flush=True)
        for sentence in found:
            print(f"{path.stem}: {sentence}", flush=True)
        return not found

    return 0 if all(await asyncio.gather(*map(one, paths))) else 1


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
