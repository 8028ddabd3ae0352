"""Recorded runs: what took longer than a lesson may, made by `make evidence`, read here."""

import io
import json
from pathlib import Path

import numpy as np
import torch
from PIL import Image

FOLDER = Path(__file__).resolve().parent.parent / "data" / "recorded"
ROOM = 2**17  # bytes of a packed sheet; what it does not need is 0


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


def sheet_of(pictures, columns=6):
    """Pictures in rows without gaps, as one: (height, width, 3) uint8, to be shown with imshow.

    pictures: (n, 1 or 3, height, width) in [0, 1], n a multiple of columns; otherwise ValueError.
    """
    if len(pictures) % columns or not len(pictures):
        raise ValueError(f"{len(pictures)} pictures do not fill rows of {columns}.")
    rows = pictures.detach().cpu().unflatten(0, (-1, columns)).permute(0, 3, 1, 4, 2)
    sheet = (255 * rows.clamp(0, 1)).round().byte().flatten(2, 3).flatten(0, 1).numpy()
    return np.ascontiguousarray(np.broadcast_to(sheet, (*sheet.shape[:2], 3)))


def pack_sheet(pictures, columns=6):
    """A `sheet_of` the pictures as the bytes of a WebP file (lossy, hardly to be seen): (ROOM,) uint8, to be recorded.

    `unpack_sheet` reads it. Raises ValueError as `sheet_of`, or if they need more room.
    """
    file = io.BytesIO()
    Image.fromarray(sheet_of(pictures, columns)).save(file, "WEBP", quality=92, method=6)
    found = np.frombuffer(file.getvalue(), dtype=np.uint8)
    if len(found) > ROOM:
        raise ValueError(f"{len(pictures)} pictures need {len(found)} bytes, more than {ROOM}: record fewer.")
    return np.pad(found, (0, ROOM - len(found)))


def unpack_sheet(packed):
    """The sheet that `pack_sheet` made, as `sheet_of` gives it."""
    return np.array(Image.open(io.BytesIO(packed.tobytes())))


def fill_network(network, numbers):
    """The network itself, at rest, with the recorded numbers: its parameters, then batch norm's means and variances.

    numbers: a vector, one number for each, in the order of `network.parameters()` and its floating-point buffers.
    Raises ValueError if it does not fit.
    """
    places = [*network.parameters(), *(buffer for buffer in network.buffers() if buffer.is_floating_point())]
    needed = sum(place.numel() for place in places)
    if len(numbers) != needed:
        raise ValueError(f"the network has {needed} numbers, but {len(numbers)} were recorded: is it another one?")
    with torch.no_grad():
        for place, part in zip(places, torch.as_tensor(numbers).split([place.numel() for place in places])):
            place.copy_(part.reshape(place.shape))
    return network.eval()
