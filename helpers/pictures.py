"""Real pictures, as tensors with numbers in [0, 1]: Fashion-MNIST, or any folder of your own."""

import math
import os
import stat
import warnings
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps, UnidentifiedImageError

FASHION_NAMES = (
    "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
    "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
)  # fmt: skip

_FASHION_FILE = Path(__file__).resolve().parent.parent / "data" / "fashion.npz"
_FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "PPM")  # some others would run outside programs
_MOST_PIXELS = 50_000_000  # in memory at once, some 200 MB


def load_fashion(split="train"):
    """Real pictures of clothes and their kinds: a balanced part of Fashion-MNIST, in a fixed random order.

    split: "train" or "test". Returns (pictures, labels): pictures (n, 1, 28, 28) float32 in [0, 1], on black;
    labels (n,) int64, places in FASHION_NAMES. Raises ValueError for another split.
    Source: Xiao, Rasul and Vollgraf 2017; what was taken and how: data/README.md. Taught in lesson 1.
    """
    if split not in ("train", "test"):
        raise ValueError(f'split must be "train" or "test", but is {split!r}.')
    if not _FASHION_FILE.exists():
        raise FileNotFoundError(f"{_FASHION_FILE} is missing: make it with `python data/make_fashion.py`.")
    with np.load(_FASHION_FILE, allow_pickle=False) as data:
        pictures, labels = data[f"{split}_pictures"], data[f"{split}_labels"]
    return torch.from_numpy(pictures)[:, None].float() / 255, torch.from_numpy(labels).long()


def load_folder(path, size, at_least=1):
    """The pictures in a folder and its sub-folders, cut to their central squares: (n, 3, size, size).

    Formats: JPEG, PNG, WebP, GIF, BMP, TIFF, PPM, whatever the files are called. Order: by path.
    Numbers: float32 in [0, 1]. Grey comes in three equal channels; what is transparent becomes white; a
    camera's rotation tag is obeyed; of an animation the first picture is taken; a shrunken pixel is the mean
    of the area under it. Hidden files and folders are passed over, links to folders are not followed. Files
    that cannot be read are skipped, and one warning says which and why. at_least: how many pictures are needed.
    Raises ValueError if there is no such folder, it has nothing or too little that can be read, or size or
    at_least is no positive integer.
    """
    for name, value in dict(size=size, at_least=at_least).items():
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise ValueError(f"{name} must be a whole number of at least 1, but is {value!r}.")
    folder = Path(path).expanduser()
    if not folder.exists():
        raise ValueError(f"there is no folder {_printable(folder.absolute())}: check the spelling.")
    if not folder.is_dir():
        raise ValueError(f"{_printable(folder)} is a file, not a folder: give the folder that it is in.")
    pictures, skipped = [], []
    for file in _visible_files(folder, skipped):
        try:
            pictures.append(_read_picture(file, size))
        except Exception as error:  # Pillow's decoders raise nearly anything on a damaged file
            skipped.append((file, _reason(error)))
    if not pictures:
        why = _listing(skipped, folder) or "it is empty"
        raise ValueError(f"no picture could be read in {_printable(folder)}: {why}.")
    if len(pictures) < at_least:
        count = "1 picture" if len(pictures) == 1 else f"{len(pictures)} pictures"
        why = f". Skipped {len(skipped)}: {_listing(skipped, folder)}" if skipped else ""
        raise ValueError(f"{_printable(folder)} has {count} that can be read, but at least {at_least} are needed: "
                         f"add more{why}.")
    if skipped:
        counts = f"read {len(pictures)}, skipped {len(skipped)}"
        warnings.warn(f"{counts}: {_listing(skipped, folder)}.", stacklevel=2)
    return torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).float() / 255


def to_vectors(pictures):
    """The pictures as points: each one's numbers in a row, an (n, channels * height * width) tensor.

    pictures: (n, channels, height, width). `to_pictures` undoes it exactly.
    Raises TypeError or ValueError for what has another form. Taught in lesson 1.
    """
    _check_pictures(pictures)
    return pictures.flatten(start_dim=1)


def to_pictures(vectors, shape):
    """The points as pictures again: an (n, channels, height, width) tensor.

    vectors: (n, channels * height * width). shape: (channels, height, width). Raises ValueError if the
    numbers do not fill that shape. Taught in lesson 1.
    """
    _check_vectors(vectors, shape)
    return vectors.reshape(len(vectors), *shape)


def _visible_files(folder, skipped):
    """The files below `folder` by path, without hidden ones; folders that cannot be read go to `skipped`."""

    def note(error):
        skipped.append((Path(error.filename), _reason(error)))

    files = []
    for here, folders, names in os.walk(folder, onerror=note):
        folders[:] = [name for name in folders if not name.startswith((".", "__MACOSX"))]
        files += [Path(here) / name for name in names if not name.startswith(".")]
    return sorted(files)


def _read_picture(file, size):
    """One file's picture, cut to its central square and resized: a (size, size, 3) uint8 array."""
    if not stat.S_ISREG(file.stat().st_mode):
        raise ValueError("not an ordinary file")  # a named pipe, say, on which reading would wait for ever
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # oddities of a file that can be read all the same
        with Image.open(file, formats=_FORMATS) as image:
            image.draft(None, (2 * size, 2 * size))  # a JPEG is decoded at a fraction of its size
            if image.width * image.height > _MOST_PIXELS:
                raise ValueError(f"too large: {image.width} x {image.height} pixels")
            ImageOps.exif_transpose(image, in_place=True)
            if image.mode == "F":
                raise ValueError("its numbers have no known range")
            if image.mode.startswith("I"):  # 16 bits of grey, which convert() need not scale
                image = Image.fromarray((np.asarray(image) / 257).clip(0, 255).round().astype(np.uint8))
            image = image.convert("RGBA" if image.has_transparency_data else "RGB")
            side = min(image.size)
            left, top = (image.width - side) / 2, (image.height - side) / 2
            smooth = Image.Resampling.BOX if side >= size else Image.Resampling.BILINEAR
            image = image.resize((size, size), smooth, box=(left, top, left + side, top + side))
            if image.mode == "RGBA":
                image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")
            return np.asarray(image)


def _reason(error):
    """Why a file was skipped, in a few words."""
    if isinstance(error, UnidentifiedImageError):
        return "not a picture of a known format"
    if isinstance(error, Image.DecompressionBombError):
        return "too large"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return str(error) or type(error).__name__


def _listing(skipped, folder, most=10):
    """The first skipped files, each with its reason, and how many more there are."""
    named = [f"{_printable(file.relative_to(folder))} ({reason})" for file, reason in sorted(skipped)[:most]]
    rest = [f"and {len(skipped) - most} more"] if len(skipped) > most else []
    return "; ".join(named + rest)


def _printable(path):
    return str(path).encode(errors="replace").decode()  # names may hold bytes that are no text


def _check_pictures(pictures):
    if not torch.is_tensor(pictures) or pictures.ndim != 4:
        shape = tuple(pictures.shape) if torch.is_tensor(pictures) else type(pictures).__name__
        raise ValueError(f"pictures must be a tensor (n, channels, height, width), but is {shape}.")


def _check_vectors(vectors, shape):
    if not torch.is_tensor(vectors) or vectors.ndim != 2:
        found = tuple(vectors.shape) if torch.is_tensor(vectors) else type(vectors).__name__
        raise ValueError(f"vectors must be a tensor of shape (n, d), but is {found}.")
    if len(shape) != 3 or math.prod(shape) != vectors.shape[1]:
        raise ValueError(f"{vectors.shape[1]} numbers a row do not fill the shape {tuple(shape)}: it must be "
                         "(channels, height, width) with that many numbers in all.")
