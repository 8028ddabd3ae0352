"""Text twin to executed, cleaned notebook: notebooks/text/NN_name.py to notebooks/NN_name.ipynb.

    python notebooks/rebuild.py             every lesson (`make notebooks`)
    python notebooks/rebuild.py 02 03       the lessons whose names begin so
    python notebooks/rebuild.py --changed   only where twin and notebook differ (blind to changed helpers)

Idempotent: a second run changes no byte. A lesson that raises, warns or writes to stderr is refused: its old
notebook stays, the others go on, and the exit status is 1. It is 1, too, where a lesson takes too long.
"""

import argparse
import asyncio
import base64
import contextlib
import hashlib
import io
import os
import sys
import tempfile
import time
from pathlib import Path

import jupytext
import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError
from PIL import Image
from traitlets.config import Config

HERE = Path(__file__).resolve().parent
LESSON_SECONDS, CELL_SECONDS = 60, 20
PATIENCE = 120  # seconds for one cell, on a machine however slow
COLOURS = 256  # of a stored picture: three times smaller than full colour, and no visible loss
WIDGET = "application/vnd.jupyter.widget-view+json"
WIDGET_STATE = "application/vnd.jupyter.widget-state+json"
METADATA = {
    "accelerator": "GPU",  # this and "colab": what Colab offers on opening
    "colab": {"gpuType": "T4", "provenance": []},
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {"file_extension": ".py", "mimetype": "text/x-python", "name": "python"},
}
ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",  # sums in one order, so printed digits do not depend on the number of cores
    "JUPYTER_PREFER_ENV_PATH": "1",  # the kernel of this environment, not one installed for the user
    "PYDEVD_DISABLE_FILE_VALIDATION": "1",
    "TQDM_DISABLE": "1",  # a progress bar leaves blanks in an output
}


def from_twin(path):
    """The notebook that a twin describes, without outputs; cell ids follow from the sources."""
    book = jupytext.reads(path.read_text(encoding="utf-8"), fmt="py:percent")
    book.metadata = nbformat.from_dict(METADATA)
    book.nbformat, book.nbformat_minor = 4, 5
    seen = {}
    for cell in book.cells:
        digest = hashlib.sha256(cell.source.encode()).hexdigest()[:12]
        seen[digest] = seen.get(digest, 0) + 1
        cell.id = digest if seen[digest] == 1 else f"{digest}-{seen[digest]}"
    return book


def contents(book):
    """What twin and notebook must share: kind, source and metadata of every cell."""
    return [(cell.cell_type, cell.source, dict(cell.metadata)) for cell in book.cells]


def first_line(source):
    return next((line.strip() for line in source.splitlines() if line.strip()), "")[:70]


def complaints(book):
    """What a reader must not see, each a sentence that names its cell."""
    found, number = [], 0
    for cell in book.cells:
        if cell.cell_type != "code" or not cell.source.strip():
            continue
        number += 1
        for output in cell.outputs:
            if output.output_type == "error":
                problem = f"{output.ename}: {output.evalue}"
            elif output.output_type == "stream" and output.name == "stderr":
                problem = f"stderr: {output.text}"
            elif output.get("data", {}).get("text/plain", "").startswith("This setting failed: "):
                problem = output.data["text/plain"]  # what `sliders` says when `draw` raises
            else:
                continue
            found.append(f"cell {number} ({first_line(cell.source)}): {' '.join(problem.split())[:400]}")
    widgets = book.metadata.get("widgets", {}).get(WIDGET_STATE, {}).get("state", {})
    for model in widgets.values():  # an Output widget keeps what is raised inside it
        found += [f"in a widget: {output['ename']}: {output['evalue']}"
                  for output in model["state"].get("outputs", ()) if output["output_type"] == "error"]
    return found


def smaller(png):
    """The same picture with a palette: base64 in, base64 out. Always the same bytes for the same picture."""
    picture = Image.open(io.BytesIO(base64.b64decode(png))).convert("RGBA")
    picture = Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture).convert("RGB")
    small = picture.quantize(COLOURS, Image.Quantize.MAXCOVERAGE, kmeans=1, dither=Image.Dither.NONE)
    file = io.BytesIO()
    small.save(file, "PNG", optimize=True)
    return base64.b64encode(file.getvalue()).decode()


def clean(book):
    """Leave what a reader without a kernel can see, and nothing that differs from run to run."""
    book.metadata = nbformat.from_dict(METADATA)
    for cell in book.cells:
        cell.metadata.pop("execution", None)
        for output in cell.get("outputs", ()):
            data = output.get("data", {})
            data.pop(WIDGET, None)
            output.get("metadata", {}).pop(WIDGET, None)
            if "image/png" in data:
                data["image/png"] = smaller(data["image/png"])
        if "outputs" in cell:
            cell.outputs = [output for output in cell.outputs if output.get("data", True)]
    return book


async def execute(book, folder, seconds, patience=PATIENCE):
    """Run the cells in a fresh kernel, up to the first that raises; `seconds`: one per cell."""
    with tempfile.TemporaryDirectory() as line:
        # through files: another program can take a TCP port in the seconds from its choice to the kernel's start
        files = {} if sys.platform == "win32" else {"transport": "ipc", "connection_file": f"{line}/kernel.json"}
        client = NotebookClient(
            book, timeout=patience, startup_timeout=120, kernel_name="python3", coalesce_streams=True,
            record_timing=False, extra_arguments=["--log-level=40"],
            resources={"metadata": {"path": str(folder)}}, config=Config(KernelManager=files),
            on_cell_execute=lambda **_: seconds.append(-time.perf_counter()),
            on_cell_executed=lambda **_: seconds.append(seconds.pop() + time.perf_counter()))
        awake = asyncio.create_task(keep_awake(client))
        try:
            with contextlib.suppress(CellExecutionError):  # `complaints` finds it among the cell's outputs
                await client.async_execute(env=os.environ | ENVIRONMENT)
        finally:
            awake.cancel()


async def keep_awake(client):
    """Looks twice a second whether the kernel's answer is there, for as long as the task runs.

    nbclient answers an Output widget on the socket on which it waits for the end of the cell. ZeroMQ tells of a message
    once, and that answer can take the word with it: then nbclient would wait for what lies in front of it.
    """
    while True:
        await asyncio.sleep(0.5)
        if client.kc is not None and client.kc.channels_running:
            await client.kc.shell_channel.socket.poll(1)


def write(path, book):
    """Replace the notebook in one step, and only if a byte differs; returns whether it did."""
    text = nbformat.writes(nbformat.from_dict(book)) + "\n"
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return False
    part = path.with_suffix(".part")
    try:
        part.write_text(text, encoding="utf-8")
        os.replace(part, path)
    finally:
        with contextlib.suppress(OSError):
            part.unlink()  # what a full disk has left of it
    return True


async def rebuild(twin, folder, gate):
    """One lesson; prints what happened and returns whether all was well."""
    async with gate:
        book, seconds, begun = from_twin(twin), [], time.perf_counter()
        try:
            await execute(book, folder, seconds)
            problems = complaints(book)
        except (CellTimeoutError, RuntimeError) as error:  # too slow, or the kernel died
            problems = [f"cell {len(seconds)}: {first_line(str(error))}"]
        total = time.perf_counter() - begun
    if problems:
        for problem in problems:
            print(f"{twin.stem}: refused, {problem}", flush=True)
        return False
    nbformat.validate(clean(book))
    try:
        changed = write(folder / f"{twin.stem}.ipynb", book)
    except OSError as error:
        print(f"{twin.stem}: not written ({error.strerror}), the old notebook is as it was", flush=True)
        return False
    slowest = max(range(len(seconds)), key=seconds.__getitem__, default=None)
    cell = "" if slowest is None else f", slowest cell {slowest + 1} with {seconds[slowest]:.1f} s"
    print(f"{twin.stem}: {'written' if changed else 'unchanged'}, {total:.0f} s{cell}", flush=True)
    late = [f"cell {i + 1} takes {s:.0f} s, more than {CELL_SECONDS}"
            for i, s in enumerate(seconds) if s > CELL_SECONDS]
    if total > LESSON_SECONDS:
        late.append(f"the lesson takes {total:.0f} s, more than {LESSON_SECONDS}")
    for sentence in late:
        print(f"{twin.stem}: too slow, {sentence}", flush=True)
    return not late


def differs(twin, folder):
    path = folder / f"{twin.stem}.ipynb"
    return not path.exists() or contents(nbformat.read(path, as_version=4)) != contents(from_twin(twin))


async def main(arguments=None):
    parser = argparse.ArgumentParser(description="Execute text twins into cleaned notebooks.")
    parser.add_argument("lessons", nargs="*", help="beginnings of their names, such as 02 (default: all)")
    parser.add_argument("--changed", action="store_true", help="only where twin and notebook differ")
    parser.add_argument("--folder", type=Path, default=HERE, help="of the notebooks, with text/ inside")
    parser.add_argument("--jobs", type=int, default=2, help="lessons at a time (default: 2)")
    options = parser.parse_args(arguments)
    twins = sorted((options.folder / "text").glob("[0-9]*.py"))
    if unknown := [name for name in options.lessons if not any(twin.stem.startswith(name) for twin in twins)]:
        parser.error(f"no lesson begins with {', '.join(unknown)}")
    twins = [twin for twin in twins if not options.lessons or twin.stem.startswith(tuple(options.lessons))]
    if options.changed:
        twins = [twin for twin in twins if differs(twin, options.folder)]
    if not twins:
        print("nothing to rebuild")
    gate = asyncio.Semaphore(options.jobs)
    return 0 if all(await asyncio.gather(*(rebuild(twin, options.folder, gate) for twin in twins))) else 1


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
