"""Make data/fashion.npz, a balanced part of Fashion-MNIST: `python data/make_fashion.py`.

Reads the four files of Debian's package dataset-fashion-mnist (or of a folder given with --source), picks the
same number of pictures of every kind, always the same ones, and writes them in a fixed random order.
See data/README.md.
"""

import argparse
import contextlib
import gzip
import hashlib
import io
import os
import sys
import zipfile
import zlib
from pathlib import Path

import numpy as np

SOURCE = Path("/usr/share/datasets/fashion-mnist")
OUTPUT = Path(__file__).resolve().parent / "fashion.npz"
SPLITS = {"train": ("train", 1200), "test": ("t10k", 100)}  # name of its files, pictures of each of the kinds
N_KINDS = 10
SEED = 2017


def main(arguments=None):
    """Run the command; returns its exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--source", type=Path, default=SOURCE, help="folder with the four .gz files")
    parser.add_argument("--output", type=Path, default=OUTPUT, help="the .npz file to write")
    options = parser.parse_args(arguments)
    try:
        content = pack(choose(options.source))
    except (OSError, EOFError, ValueError, zlib.error) as error:
        print(f"make_fashion: {error}", file=sys.stderr)
        return 1
    try:
        write(options.output, content)
    except OSError as error:
        print(f"make_fashion: {options.output} could not be written ({error.strerror}); an old file is as it was.",
              file=sys.stderr)
        return 1
    print(f"{options.output}: {len(content):,} bytes, sha256 {hashlib.sha256(content).hexdigest()}")
    return 0


def choose(source):
    """The arrays of the file, uint8: for each split the chosen pictures (n, 28, 28) and their labels (n,)."""
    arrays = {}
    # RandomState, because NumPy promises never to change the numbers that it draws
    rng = np.random.RandomState(SEED)
    for split, (prefix, count) in SPLITS.items():
        pictures = read_idx(source / f"{prefix}-images-idx3-ubyte.gz")
        labels = read_idx(source / f"{prefix}-labels-idx1-ubyte.gz")
        if pictures.shape != (len(labels), 28, 28):
            raise ValueError(f"{source} holds {len(labels)} labels for pictures of shape {pictures.shape}.")
        order = rng.permutation(len(labels))
        kinds = [order[labels[order] == kind][:count] for kind in range(N_KINDS)]
        if min(map(len, kinds)) < count:
            raise ValueError(f"{source} holds fewer than {count} {split} pictures of some kind.")
        chosen = rng.permutation(np.concatenate(kinds))
        arrays[f"{split}_pictures"], arrays[f"{split}_labels"] = pictures[chosen], labels[chosen]
    return arrays


def read_idx(path):
    """The array in a gzipped IDX file of unsigned bytes, the format of the MNIST family."""
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing: install Debian's package dataset-fashion-mnist "
                                "(apt install dataset-fashion-mnist), or name another folder with --source.")
    with gzip.open(path) as file:
        content = file.read()
    # two zero bytes, 8 for "unsigned byte", the number of axes, then each axis's length as four bytes
    n_axes = content[3] if content[:3] == b"\0\0\x08" else 0
    shape = np.frombuffer(content[4 : 4 + 4 * n_axes], dtype=">u4").astype(int)
    values = np.frombuffer(content[4 + 4 * n_axes :], dtype=np.uint8)
    if n_axes == 0 or len(shape) != n_axes or len(values) != shape.prod():
        raise ValueError(f"{path} is not an IDX file of unsigned bytes, or is cut short.")
    return values.reshape(shape)


def pack(arrays):
    """The bytes of an .npz file, the same for the same arrays: no time of day, no name of a system.

    LZMA, which numpy.load reads like any other packing, is smaller by a seventh than numpy.savez_compressed.
    """
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        for name, array in arrays.items():
            member = io.BytesIO()
            np.lib.format.write_array(member, array, allow_pickle=False)
            entry = zipfile.ZipInfo(f"{name}.npy", date_time=(1980, 1, 1, 0, 0, 0))
            entry.compress_type, entry.create_system, entry.external_attr = zipfile.ZIP_LZMA, 3, 0o644 << 16
            file.writestr(entry, member.getvalue())
    return archive.getvalue()


def write(path, content):
    """Write the file whole or not at all: an interruption leaves the old one as it was."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        part.write_bytes(content)
        os.replace(part, path)
    finally:
        with contextlib.suppress(OSError):
            part.unlink()


if __name__ == "__main__":
    sys.exit(main())
