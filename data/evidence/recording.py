"""Experiments that take longer than a lesson may: recorded by `make evidence`, and run again in pieces by a test.

An experiment is a function of seeds and settings under the decorator `recording`; it returns arrays whose first axis is
the seed. `record` runs it for a few seeds at a time and keeps each part in .cache, so that an interrupt loses little.
"""

import ast
import hashlib
import importlib
import inspect
import io
import json
import multiprocessing
import os
import platform
import tempfile
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

ROOT = Path(__file__).resolve().parent.parent.parent
RECORDED, PARTS = ROOT / "data" / "recorded", ROOT / ".cache" / "evidence"
EXPERIMENTS = {}


@dataclass(frozen=True)
class Experiment:
    """A function with the seeds and settings to run it with. piece: steps of the short run that a test repeats."""

    name: str
    function: object
    seeds: tuple
    settings: dict
    at_a_time: int
    piece: int
    tolerance: float = 2e-3

    @property
    def fingerprint(self):
        """What changes when the experiment does: a hash of its code, seeds and settings.

        Its code is that of its module, without words (docstrings, comments) and without the other experiments.
        """
        source = Path(inspect.getsourcefile(self.function)).read_text(encoding="utf-8")
        code = _code_of(ast.parse(source), self.function.__name__)
        whole = json.dumps([code, self.seeds, self.settings, self.at_a_time])
        return hashlib.sha256(whole.encode()).hexdigest()[:16]

    @property
    def sentence(self):
        """What was run: the first paragraph of the function's docstring."""
        return " ".join(inspect.getdoc(self.function).split("\n\n")[0].split())


def _code_of(module, name):
    """The source of a module, a syntax tree, without docstrings and decorated functions other than `name`."""
    kept = []
    for node in module.body:
        if isinstance(node, ast.FunctionDef) and node.decorator_list:
            if node.name != name:
                continue
            node.decorator_list = []  # seeds and settings count anyway
        kept.append(node)
    module.body = kept
    for node in ast.walk(module):
        words = isinstance(node, ast.FunctionDef | ast.ClassDef | ast.Module) and ast.get_docstring(node) is not None
        if words:
            node.body = node.body[1:] or [ast.Pass()]
    return ast.unparse(module)


def recording(name, seeds, settings, at_a_time=4, piece=50, tolerance=2e-3):
    """Declares the function below it as the experiment of data/recorded/<name>.npz.

    function(seeds, stop_after=None, **settings): trains these seeds, and returns a dict of numpy arrays whose first
    axis is the seed and whose second, if there is one, is time. With stop_after it ends after so many steps: what it
    returns then is the beginning, along the second axis, of what the whole run returns; what makes no sense there it
    leaves out. Its docstring begins with a sentence that says what was run. settings: words and numbers. at_a_time: how
    many seeds one call gets. piece: stop_after of the short run in the test, and tolerance: how far, absolutely and
    relatively, its numbers may lie from the recorded ones. The function itself is returned.
    """
    def declare(function):
        if name in EXPERIMENTS and EXPERIMENTS[name].function.__code__.co_filename != function.__code__.co_filename:
            raise ValueError(f"two experiments have the name {name!r}.")
        EXPERIMENTS[name] = Experiment(name, function, tuple(seeds), dict(settings), at_a_time, piece, tolerance)
        return function

    return declare


def record(experiment, again=False, folder=RECORDED, parts=PARTS):
    """True if it ran; False if the recording of this very experiment is there already. Written whole or not at all."""
    path, seeds = folder / f"{experiment.name}.npz", experiment.seeds
    if not again and is_there(experiment, folder):
        return False
    _check_writable(folder, parts)  # before hours of training
    chunks, files = _parts(experiment, parts)
    if again:
        for file in files:
            file.unlink(missing_ok=True)
    for chunk, file in tqdm(list(zip(chunks, files)), desc=experiment.name, unit="part"):
        if not file.exists():
            write(file, experiment.function(list(chunk), **experiment.settings))
    together = [dict(np.load(file, allow_pickle=False)) for file in files]
    arrays = {key: np.concatenate([part[key] for part in together]) for key in together[0]}
    if any(len(array) != len(seeds) for array in arrays.values()):
        raise ValueError(f"{experiment.name}: the first axis of every array must be the seed.")
    versions = {"python": platform.python_version(), "torch": torch.__version__.split("+")[0], "numpy": np.__version__}
    about = {
        "what": experiment.sentence,
        "seeds": experiment.seeds, "settings": experiment.settings, "fingerprint": experiment.fingerprint,
        "versions": versions,
        "command": f"make evidence RECORDINGS={experiment.name}",
    }
    write(path, arrays | {"about": np.array(json.dumps(about))})
    for file in files:
        file.unlink()
    return True


def work_ahead(experiments, jobs):
    """Runs parts that are missing, of several experiments, in so many processes at once; `record` finds them there."""
    _check_writable(RECORDED, PARTS)
    todo = [(experiment.name, list(chunk), file) for experiment in experiments
            for chunk, file in zip(*_parts(experiment, PARTS)) if not file.exists()]
    with ProcessPoolExecutor(jobs, mp_context=multiprocessing.get_context("spawn")) as pool:
        work = [pool.submit(_run_part, *part) for part in todo]
        for done in tqdm(as_completed(work), total=len(work), unit="part"):
            done.result()


def _run_part(name, chunk, file):
    torch.set_num_threads(1)
    experiment = importlib.import_module("data.evidence").load_experiments()[name]
    write(file, experiment.function(chunk, **experiment.settings))


def _parts(experiment, parts):
    """The seeds of each part, and the file in which it is kept until all are there."""
    seeds, step = experiment.seeds, experiment.at_a_time
    chunks = [seeds[i:i + step] for i in range(0, len(seeds), step)]
    return chunks, [parts / experiment.name / experiment.fingerprint / f"{i:03}.npz" for i in range(len(chunks))]


def is_there(experiment, folder=RECORDED):
    """Whether the recording of this very experiment lies in the folder."""
    path = folder / f"{experiment.name}.npz"
    return path.exists() and recorded_fingerprint(path) == experiment.fingerprint


def recorded_fingerprint(path):
    with np.load(path, allow_pickle=False) as file:
        return json.loads(str(file["about"]))["fingerprint"]


def _check_writable(*folders):
    """None; OSError, as `write` would raise it, if nothing can be written there."""
    for folder in folders:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()


def write(path, arrays):
    """The arrays as one compressed .npz; a file of this name is whole, or it is not there."""
    packed = io.BytesIO()
    np.savez_compressed(packed, **arrays)
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".part", delete=False) as file:
        part = Path(file.name)
    try:
        with part.open("wb") as file:
            file.write(packed.getvalue())
            file.flush()
            os.fsync(file.fileno())
        part.chmod(0o644)
        part.replace(path)  # closed before: Windows moves no open file
    except BaseException:
        part.unlink()
        raise
