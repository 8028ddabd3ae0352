"""Recorded runs: what took longer than a lesson may, made by `make evidence`, read here."""

import json
from pathlib import Path

import numpy as np

FOLDER = Path(__file__).resolve().parent.parent / "data" / "recorded"


class Recording:
    """Arrays of one recorded experiment, and where they come from; print it for a sentence.

    recording["w1"]: an array, its first axis the seed. seeds: a list. settings: a dict. about: the sentence.
    """

    def __init__(self, arrays, about):
        self.arrays, self.seeds, self.settings = arrays, about["seeds"], about["settings"]
        first, last = min(self.seeds), max(self.seeds)
        which = f"seeds {first} to {last}" if self.seeds == list(range(first, last + 1)) else f"seeds {self.seeds}"
        versions = ", ".join(f"{name} {version}" for name, version in about["versions"].items())
        self.about = (f"{about['what']} {len(self.seeds)} runs, {which}, recorded with {versions}; "
                      f"`{about['command']}` makes it again.")

    def __getitem__(self, name):
        if name not in self.arrays:
            raise KeyError(f"this recording has no array {name!r}; it has {', '.join(sorted(self.arrays))}.")
        return self.arrays[name]

    def __str__(self):
        return self.about


def load_recording(name, folder=FOLDER):
    """The Recording of this name; FileNotFoundError, with the names that there are, for another one."""
    path = Path(folder) / f"{name}.npz"
    if not path.exists():
        there = ", ".join(sorted(file.stem for file in Path(folder).glob("*.npz"))) or "none"
        raise FileNotFoundError(f"there is no recording {name!r} in {folder}; there are: {there}.")
    with np.load(path, allow_pickle=False) as file:
        arrays = {key: file[key] for key in file.files}
    about = json.loads(str(arrays.pop("about")))
    return Recording(arrays, about)
