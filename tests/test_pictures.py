"""Real pictures: the file of Fashion-MNIST, and folders with everything that folders hold."""

import hashlib
import importlib.util
import io
import os
import struct
import subprocess
import sys
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from helpers import pictures as module
from helpers.pictures import FASHION_NAMES, load_fashion, load_folder, to_pictures, to_vectors

DATA = Path(__file__).resolve().parent.parent / "data"
COMMAND = DATA / "make_fashion.py"
DEBIAN = Path("/usr/share/datasets/fashion-mnist")


# Fashion-MNIST


@pytest.mark.parametrize("split, least", [("train", 5000), ("test", 1000)])
def test_fashion_is_balanced_and_in_range(split, least):
    pictures, labels = load_fashion(split)
    n = len(pictures)
    assert n >= least and pictures.shape == (n, 1, 28, 28) and labels.shape == (n,)
    assert pictures.dtype == torch.float32 and labels.dtype == torch.int64
    assert pictures.min() == 0 and pictures.max() == 1
    assert labels.bincount().tolist() == [n // 10] * 10
    assert labels[:100].bincount(minlength=10).min() > 0  # shuffled, not kind by kind
    assert (pictures.flatten(1).amax(dim=1) > 0.2).all()  # none is empty


def test_fashion_splits_share_no_picture():
    train, test = ({picture.numpy().tobytes() for picture in load_fashion(split)[0]} for split in ("train", "test"))
    assert not train & test


def test_fashion_labels_belong_to_the_pictures():
    pictures, labels = load_fashion("train")
    centres = torch.stack([pictures[labels == k].mean(dim=0) for k in range(10)]).flatten(1)
    pictures, labels = load_fashion("test")
    right = torch.cdist(pictures.flatten(1), centres).argmin(dim=1) == labels
    assert right.float().mean() > 0.6  # the nearest mean reaches about 0.68, chance 0.1
    # trousers are two vertical bars: narrow, tall; sneakers are low: their upper half is dark
    mean = {name: centres[k].reshape(28, 28) for k, name in enumerate(FASHION_NAMES)}
    assert mean["Trouser"][:, :6].mean() < 0.05 < mean["Trouser"][:, 10:18].mean()
    assert mean["Sneaker"][:8].mean() < 0.05 < mean["Sneaker"][14:20].mean()


def test_fashion_loads_the_same_every_time():
    first, second = load_fashion("test"), load_fashion("test")
    assert torch.equal(first[0], second[0]) and torch.equal(first[1], second[1])
    first[0].zero_()
    assert load_fashion("test")[0].max() == 1


def test_fashion_names():
    assert len(set(FASHION_NAMES)) == 10 and FASHION_NAMES[1] == "Trouser" and FASHION_NAMES[9] == "Ankle boot"


def test_fashion_refuses_another_split():
    with pytest.raises(ValueError, match='"train" or "test"'):
        load_fashion("validation")


def test_fashion_file_missing(monkeypatch, tmp_path):
    monkeypatch.setattr(module, "_FASHION_FILE", tmp_path / "fashion.npz")
    with pytest.raises(FileNotFoundError, match="make_fashion.py"):
        load_fashion()


def test_fashion_file_is_what_the_datasheet_says():
    content = (DATA / "fashion.npz").read_bytes()
    assert len(content) <= 5_000_000
    sheet = (DATA / "README.md").read_text()
    assert hashlib.sha256(content).hexdigest() in sheet
    assert f"{len(content):,} bytes" in sheet
    for split in ("train", "test"):
        assert f"{len(load_fashion(split)[1]):,}" in sheet


def test_licence_lies_beside_it():
    text = " ".join((DATA / "LICENSE-fashion-mnist.txt").read_text().split())
    assert "Copyright (c) 2017 Zalando SE" in text and "Permission is hereby granted, free of charge" in text and 'PROVIDED "AS IS"' in text


# the command


def run_command(*arguments):
    return subprocess.run([sys.executable, COMMAND, *map(str, arguments)], capture_output=True, text=True)


@pytest.mark.skipif(not DEBIAN.exists(), reason="Debian's package dataset-fashion-mnist is not installed")
def test_command_makes_the_same_arrays_again(tmp_path):
    result = run_command("--output", tmp_path / "again.npz")
    assert result.returncode == 0, result.stderr
    with np.load(tmp_path / "again.npz") as again, np.load(DATA / "fashion.npz") as ours:
        assert again.files == ours.files
        for name in ours.files:
            assert again[name].dtype == np.uint8
            np.testing.assert_array_equal(again[name], ours[name])
    assert os.listdir(tmp_path) == ["again.npz"]
    digest = hashlib.sha256((tmp_path / "again.npz").read_bytes()).hexdigest()
    assert digest in result.stdout


def test_command_without_the_package(tmp_path):
    result = run_command("--source", tmp_path, "--output", tmp_path / "new.npz")
    assert result.returncode == 1 and "install Debian's package dataset-fashion-mnist" in result.stderr
    assert "Traceback" not in result.stderr and not (tmp_path / "new.npz").exists()


def test_command_with_damaged_files(tmp_path):
    for content in (b"no gzip", zlib.compress(b"no gzip either"), b"\x1f\x8b\x08\0\0\0\0\0\0\xffcut"):
        (tmp_path / "train-images-idx3-ubyte.gz").write_bytes(content)
        result = run_command("--source", tmp_path, "--output", tmp_path / "new.npz")
        assert result.returncode == 1 and result.stderr.startswith("make_fashion: ") and "Traceback" not in result.stderr


@pytest.fixture
def command():
    spec = importlib.util.spec_from_file_location("make_fashion", COMMAND)
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


def test_pack_gives_the_same_bytes_and_numpy_reads_them(command):
    arrays = {"a": np.arange(12, dtype=np.uint8).reshape(3, 4), "b": np.zeros(2, np.uint8)}
    content = command.pack(arrays)
    assert content == command.pack(arrays)
    with np.load(io.BytesIO(content), allow_pickle=False) as back:
        for name, array in arrays.items():
            np.testing.assert_array_equal(back[name], array)


def test_write_leaves_the_old_file_when_it_fails(command, tmp_path, monkeypatch):
    target = tmp_path / "file.npz"
    target.write_bytes(b"old")

    def fail(*_):
        raise OSError("disk full")

    monkeypatch.setattr(command.os, "replace", fail)
    with pytest.raises(OSError, match="disk full"):
        command.write(target, b"new")
    assert target.read_bytes() == b"old" and os.listdir(tmp_path) == ["file.npz"]


# to_vectors, to_pictures


@pytest.mark.parametrize("n, shape", [(5, (3, 4, 6)), (1, (1, 28, 28)), (0, (3, 2, 2))])
def test_vectors_round_trip(n, shape):
    pictures = torch.rand(n, *shape, generator=torch.Generator().manual_seed(0))
    vectors = to_vectors(pictures)
    assert vectors.shape == (n, shape[0] * shape[1] * shape[2])
    assert torch.equal(to_pictures(vectors, shape), pictures)


def test_vectors_order():
    pictures = torch.arange(24.0).reshape(2, 3, 2, 2)
    assert to_vectors(pictures)[1].tolist() == list(range(12, 24))
    assert to_vectors(pictures.permute(0, 1, 3, 2))[0, :4].tolist() == [0, 2, 1, 3]  # not stored in one piece


@pytest.mark.parametrize("pictures", [torch.zeros(3, 4, 4), torch.zeros(3), np.zeros((1, 1, 2, 2)), None])
def test_to_vectors_refuses(pictures):
    with pytest.raises(ValueError, match="channels, height, width"):
        to_vectors(pictures)


@pytest.mark.parametrize("vectors, shape", [(torch.zeros(2, 10), (1, 3, 3)), (torch.zeros(2, 9), (3, 3)), (torch.zeros(9), (1, 3, 3)), ([1.0], (1, 1, 1))])
def test_to_pictures_refuses(vectors, shape):
    with pytest.raises(ValueError, match="shape"):
        to_pictures(vectors, shape)


# load_folder: one file at a time


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "folder"
    path.mkdir()
    return path


def quietly(folder, size=8):
    """What load_folder reads, when it has nothing to complain about."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return load_folder(folder, size)


def colours(picture):
    """Mean colours of the four quarters, each as three whole numbers from 0 to 255."""
    half = picture.shape[-1] // 2
    quarters = picture[:, :half, :half], picture[:, :half, half:], picture[:, half:, :half], picture[:, half:, half:]
    return [tuple((255 * quarter.mean(dim=(1, 2))).round().int().tolist()) for quarter in quarters]


QUARTERS = [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0)]


def four_quarters(side=16):
    """Red, green over blue, yellow: a picture whose orientation cannot be mistaken."""
    small = Image.fromarray(np.array(QUARTERS, np.uint8).reshape(2, 2, 3))
    return small.resize((side, side), Image.Resampling.NEAREST)


def near(found, wanted, slack):
    return all(abs(a - b) <= slack for x, y in zip(found, wanted, strict=True) for a, b in zip(x, y, strict=True))


@pytest.mark.parametrize("name, options, slack", [
    ("a.png", {}, 0), ("a.bmp", {}, 0), ("a.tiff", {}, 0), ("a.ppm", {}, 0), ("a.gif", {}, 0), ("a.webp", {"lossless": True}, 0),
    ("a.webp", {"quality": 95}, 12), ("a.jpg", {"quality": 95, "subsampling": 0}, 6), ("a.JPEG", {"quality": 95, "subsampling": 0}, 6),
    ("a.jpg", {"quality": 95, "progressive": True, "subsampling": 0}, 6),
])  # fmt: skip
def test_formats(folder, name, options, slack):
    four_quarters(64).save(folder / name, **options)
    pictures = quietly(folder)
    assert pictures.shape == (1, 3, 8, 8) and pictures.dtype == torch.float32
    assert near(colours(pictures[0]), QUARTERS, slack)


def test_the_name_does_not_matter(folder):
    four_quarters().save(folder / "picture", format="PNG")
    four_quarters().save(folder / "wrong.jpg", format="PNG")
    assert near(colours(quietly(folder)[1]), QUARTERS, 0)


@pytest.mark.parametrize("mode", ["RGB", "P", "RGBA", "CMYK"])
def test_colour_modes(folder, mode):
    picture = four_quarters(16)
    picture = picture.quantize(4) if mode == "P" else picture.convert(mode)
    picture.save(folder / "a", format="TIFF" if mode == "CMYK" else "PNG")
    assert near(colours(quietly(folder)[0]), QUARTERS, 3)


def test_cmyk_jpeg(folder):
    four_quarters(64).convert("CMYK").save(folder / "a.jpg", quality=95, subsampling=0)
    assert near(colours(quietly(folder)[0]), QUARTERS, 6)


@pytest.mark.parametrize("mode, value, wanted", [("L", 128, 128), ("1", 1, 255), ("I;16", 200 * 257, 200), ("I;16", 65535, 255), ("I;16", 0, 0), ("LA", (128, 255), 128)])
def test_grey(folder, mode, value, wanted):
    if mode == "I;16":
        picture = Image.fromarray(np.full((20, 20), value, np.uint16))
    else:
        picture = Image.new(mode, (20, 20), value)
    picture.save(folder / "a.png")
    assert colours(quietly(folder)[0]) == [(wanted,) * 3] * 4


def test_16_bit_big_endian_tiff(folder):
    Image.fromarray(np.full((20, 20), 200 * 257, ">u2")).save(folder / "a.tiff")
    assert colours(quietly(folder)[0]) == [(200,) * 3] * 4


def test_transparent_becomes_white(folder):
    Image.new("RGBA", (10, 10), (255, 0, 0, 0)).save(folder / "1.png")
    Image.new("RGBA", (10, 10), (0, 0, 0, 128)).save(folder / "2.png")
    Image.new("LA", (10, 10), (0, 0)).save(folder / "3.png")
    Image.new("P", (10, 10), 0).save(folder / "4.png", transparency=0)
    Image.new("L", (10, 10), 7).save(folder / "5.png", transparency=7)
    Image.new("RGB", (10, 10), (1, 2, 3)).save(folder / "6.png", transparency=(1, 2, 3))
    pictures = quietly(folder)
    assert [colours(picture)[0] for picture in pictures] == [(255,) * 3, (127,) * 3] + [(255,) * 3] * 4


def test_no_dark_fringe_around_transparent_parts(folder):
    picture = Image.new("RGBA", (16, 16), (0, 0, 0, 0))  # transparent black around opaque white
    picture.paste((255, 255, 255, 255), (5, 5, 11, 11))
    picture.save(folder / "a.png")
    assert quietly(folder, 8).min() == 1


@pytest.mark.parametrize("tag", range(1, 9))
@pytest.mark.parametrize("kind", ["jpg", "png", "webp", "tiff"])
def test_rotation_tag(folder, tag, kind):
    # how a camera stores an upright picture under each tag: the reverse of what a viewer does
    methods = [None, Image.Transpose.FLIP_LEFT_RIGHT, Image.Transpose.ROTATE_180, Image.Transpose.FLIP_TOP_BOTTOM,
               Image.Transpose.TRANSPOSE, Image.Transpose.ROTATE_90, Image.Transpose.TRANSVERSE, Image.Transpose.ROTATE_270]  # fmt: skip
    picture = four_quarters(256)
    if methods[tag - 1] is not None:
        picture = picture.transpose(methods[tag - 1])
    exif = Image.Exif()
    exif[0x0112] = tag
    picture.save(folder / f"a.{kind}", exif=exif)
    assert near(colours(quietly(folder)[0]), QUARTERS, 16)


def test_damaged_rotation_tag_does_not_matter(folder):
    four_quarters(64).save(folder / "a.jpg", quality=95, subsampling=0, exif=b"Exif\0\0garbage that is no TIFF")
    assert near(colours(quietly(folder)[0]), QUARTERS, 6)


def test_central_square(folder):
    wide = Image.new("RGB", (100, 20), "red")
    wide.paste((0, 0, 255), (40, 0, 60, 20))
    wide.save(folder / "wide.png")
    tall = Image.new("RGB", (21, 100), "red")
    tall.paste((0, 0, 255), (0, 39, 21, 61))
    tall.save(folder / "tall.png")
    blue = torch.tensor([0.0, 0.0, 1.0])[:, None, None].expand(3, 8, 8)
    for picture in quietly(folder):
        assert torch.equal(picture, blue)


def test_shrinking_takes_the_mean_of_the_area(folder):
    values = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    Image.fromarray(values).save(folder / "a.png")
    wanted = values.reshape(8, 4, 8, 4, 3).mean(axis=(1, 3)) / 255
    np.testing.assert_allclose(quietly(folder)[0].permute(1, 2, 0).numpy(), wanted, atol=1.01 / 255)  # rounded twice: rows, columns
    assert torch.equal(quietly(folder, 32)[0], torch.from_numpy(values).permute(2, 0, 1) / 255)


def test_enlarging(folder):
    Image.new("RGB", (1, 5), "blue").save(folder / "a.png")
    assert colours(quietly(folder, 20)[0]) == [(0, 0, 255)] * 4


def test_a_large_photograph_is_decoded_small(folder, monkeypatch):
    Image.linear_gradient("L").resize((6000, 4000)).convert("RGB").save(folder / "a.jpg")
    decoded = []
    convert = Image.Image.convert

    def watch(image, *arguments, **options):
        decoded.append(image.size)
        return convert(image, *arguments, **options)

    monkeypatch.setattr(Image.Image, "convert", watch)
    picture = quietly(folder, 32)[0]
    assert decoded[0][0] <= 6000 / 8
    rows = picture[0].mean(dim=1)
    torch.testing.assert_close(rows, (torch.arange(32) + 0.5) / 32, atol=0.03, rtol=0)


def test_first_picture_of_an_animation(folder):
    frames = [Image.new("RGB", (10, 10), colour) for colour in ("red", "green", "blue")]
    for name in ("a.gif", "b.webp", "c.png", "d.tiff"):
        options = {"lossless": True} if name == "b.webp" else {}
        frames[0].save(folder / name, save_all=True, append_images=frames[1:], **options)
    assert [colours(picture)[0] for picture in quietly(folder)] == [(255, 0, 0)] * 4


# load_folder: what is skipped


def png_that_claims(width, height):
    """A PNG of a few bytes whose header promises width x height pixels."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(b"\0" * 100)), (b"IEND", b"")]
    parts = [struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def test_skips_and_says_which_and_why(folder, link):
    four_quarters().save(folder / "good.png")
    whole = io.BytesIO()
    Image.effect_noise((200, 200), 50).save(whole, "JPEG")
    (folder / "1_truncated.jpg").write_bytes(whole.getvalue()[:3000])
    (folder / "2_notes.txt").write_text("not a picture at all")
    (folder / "3_empty.png").touch()
    (folder / "4_huge.png").write_bytes(png_that_claims(30_000, 30_000))
    (folder / "5_large.png").write_bytes(png_that_claims(9_000, 9_000))
    (folder / "6_cut.png").write_bytes(png_that_claims(10, 10))
    Image.fromarray(np.full((4, 4), 0.5, np.float32)).save(folder / "7_floats.tiff")
    link(folder / "8_broken_link.png", folder / "nowhere.png")
    link(folder / "9_own_tail.png", folder / "9_own_tail.png")
    with pytest.warns(UserWarning) as caught:
        pictures = load_folder(folder, 8)
    assert len(pictures) == 1 and near(colours(pictures[0]), QUARTERS, 0)
    assert len(caught) == 1 and caught[0].filename == __file__
    message = str(caught[0].message)
    assert message.startswith("read 1, skipped 9: 1_truncated.jpg (")
    for part in ("truncated", "2_notes.txt (not a picture", "3_empty.png (not a picture", "4_huge.png (too large",
                 "5_large.png (too large: 9000 x 9000", "6_cut.png (", "7_floats.tiff (its numbers", "8_broken_link.png (no such file",
                 "9_own_tail.png (too many"):  # fmt: skip
        assert part in message, message
    assert "good.png" not in message


def test_a_long_list_is_shortened(folder):
    four_quarters().save(folder / "good.png")
    for i in range(25):
        (folder / f"{i:02}.txt").write_text("x")
    with pytest.warns(UserWarning, match="skipped 25: 00.txt .*; 09.txt .*; and 15 more") as caught:
        load_folder(folder, 8)
    assert "10.txt" not in str(caught[0].message)


def test_damage_anywhere_skips_or_reads_but_never_raises(folder):
    rng = np.random.default_rng(0)
    four_quarters().save(folder / "0.png")
    for kind in ("PNG", "JPEG", "GIF", "TIFF", "WEBP", "BMP"):
        whole = io.BytesIO()
        Image.effect_noise((40, 40), 50).convert("RGB").save(whole, kind)
        for i in range(25):
            damaged = np.frombuffer(whole.getvalue(), np.uint8).copy()
            where = rng.integers(0, len(damaged) if i % 2 else min(200, len(damaged)), 10)
            damaged[where] = rng.integers(0, 256, 10)
            (folder / f"{kind}{i}").write_bytes(damaged)
    with pytest.warns(UserWarning) as caught:
        assert len(load_folder(folder, 8)) >= 1
    assert len(caught) == 1


def test_no_access(folder, monkeypatch):
    four_quarters().save(folder / "good.png")
    four_quarters().save(folder / "secret.png")
    (folder / "locked").mkdir()
    four_quarters().save(folder / "locked" / "inside.png")
    if os.geteuid() == 0:  # root may read everything, so play it
        opened, scanned = Image.open, os.scandir

        def refuse(real, names):
            def call(path, *arguments, **options):
                if Path(path).name in names:
                    raise PermissionError(13, "Permission denied", str(path))
                return real(path, *arguments, **options)

            return call

        monkeypatch.setattr(Image, "open", refuse(opened, {"secret.png"}))
        monkeypatch.setattr(os, "scandir", refuse(scanned, {"locked"}))
    else:
        (folder / "secret.png").chmod(0)
        (folder / "locked").chmod(0)
    try:
        with pytest.warns(UserWarning) as caught:
            assert len(load_folder(folder, 8)) == 1
    finally:
        (folder / "locked").chmod(0o700)
    message = str(caught[0].message)
    assert "locked (permission denied)" in message and "secret.png (permission denied)" in message


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_named_pipe_does_not_block(folder):
    four_quarters().save(folder / "good.png")
    os.mkfifo(folder / "pipe.png")
    with pytest.warns(UserWarning, match=r"pipe.png \(not an ordinary file\)"):
        assert len(load_folder(folder, 8)) == 1


# load_folder: where it looks


def grey_file(path, value):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("L", (4, 4), value).save(path, format="PNG")


def greys(pictures):
    return (255 * pictures[:, 0, 0, 0]).round().int().tolist()


def test_order_is_by_path_and_sub_folders_count(folder):
    for value, name in enumerate(["a.png", "b/a.png", "b/c/z.png", "b/d.png", "c.png", "e/é 1.png"]):
        grey_file(folder / name, 10 * value)
    assert greys(quietly(folder)) == [0, 10, 20, 30, 40, 50]
    assert greys(quietly(str(folder))) == greys(quietly(folder))


def test_hidden_things_are_passed_over_in_silence(folder):
    grey_file(folder / "a.png", 50)
    grey_file(folder / ".hidden.png", 1)
    grey_file(folder / ".cache" / "a.png", 2)
    grey_file(folder / "__MACOSX" / "a.png", 3)
    (folder / ".DS_Store").write_text("x")
    assert greys(quietly(folder)) == [50]


def test_links(folder, tmp_path, link):
    grey_file(folder / "a.png", 10)
    grey_file(tmp_path / "elsewhere" / "b.png", 20)
    link(folder / "b.png", tmp_path / "elsewhere" / "b.png")
    link(folder / "loop", folder)
    link(folder / "other", tmp_path / "elsewhere")
    assert greys(quietly(folder)) == [10, 20]
    assert greys(quietly(folder / "other")) == [20]  # the folder itself may be a link


def test_a_name_that_is_no_text(folder):
    grey_file(folder / "a.png", 10)
    try:
        Path(os.fsdecode(os.fsencode(folder) + b"/\xff.txt")).write_text("x")
    except (OSError, UnicodeError) as error:  # macOS, Windows
        pytest.skip(f"no file can have such a name here: {error}")
    with pytest.warns(UserWarning, match=r"\?.txt") as caught:
        load_folder(folder, 8)
    str(caught[0].message).encode()


# load_folder: what is refused


def test_refuses_an_empty_folder(folder):
    with pytest.raises(ValueError, match="no picture could be read in .*: it is empty"):
        load_folder(folder, 8)


def test_refuses_a_folder_without_a_readable_picture(folder):
    (folder / "notes.txt").write_text("x")
    with pytest.raises(ValueError, match=r"no picture could be read in .*notes.txt \(not a picture"):
        load_folder(folder, 8)


def test_refuses_a_missing_folder_and_a_file(folder):
    with pytest.raises(ValueError, match="there is no folder .*nowhere"):
        load_folder(folder / "nowhere", 8)
    grey_file(folder / "a.png", 1)
    with pytest.raises(ValueError, match="is a file, not a folder"):
        load_folder(folder / "a.png", 8)


def test_refuses_too_few_pictures(folder):
    for i in range(3):
        grey_file(folder / f"{i}.png", i)
    assert len(quietly(folder)) == 3 and len(load_folder(folder, 8, at_least=3)) == 3
    with pytest.raises(ValueError, match=r"has 3 pictures that can be read, but at least 4 are needed: add more\.$"):
        load_folder(folder, 8, at_least=4)
    (folder / "notes.txt").write_text("x")
    with pytest.raises(ValueError, match=r"3 pictures .* 100 are needed: add more\. Skipped 1: notes.txt \(not a picture"):
        load_folder(folder, 8, at_least=100)
    (folder / "1.png").unlink()
    (folder / "2.png").unlink()
    with pytest.raises(ValueError, match="has 1 picture that can be read, but at least 2"):
        load_folder(folder, 8, at_least=2)


@pytest.mark.parametrize("size", [0, -3, 2.5, "8", None, True])
def test_refuses_a_bad_size(folder, size):
    with pytest.raises(ValueError, match="size must be a whole number"):
        load_folder(folder, size)


@pytest.mark.parametrize("least", [0, -3, 2.5, "8", None, True])
def test_refuses_a_bad_number_of_pictures(folder, least):
    with pytest.raises(ValueError, match="at_least must be a whole number"):
        load_folder(folder, 8, at_least=least)


def test_reading_changes_no_setting_of_pillow(folder):
    grey_file(folder / "a.png", 1)
    before = Image.MAX_IMAGE_PIXELS, list(warnings.filters)
    quietly(folder)
    assert (Image.MAX_IMAGE_PIXELS, list(warnings.filters)) == before
