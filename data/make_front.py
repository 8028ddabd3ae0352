"""Make data/front.webp, the README's moving picture: noise becomes puppies, in the recorded training of lesson 11.

    python data/make_front.py

Nothing in it is painted by hand. It shows 24 pictures' noise, and what the generator makes of it in the recordings
puppies_first_steps and puppies_ten_minutes, which are one training (`moments` checks that), at an even pace of the
step's logarithm; between two recorded moments one picture fades into the next.
"""

import contextlib
import math
import os
import sys
from pathlib import Path

import matplotlib
import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from helpers.plots import PALETTE  # noqa: E402
from helpers.recordings import load_recording, unpack_sheet  # noqa: E402
from helpers.sampling import uniform_noise  # noqa: E402

COLUMNS, ROWS, SIDE, GAP, STRIP = 8, 3, 96, 4, 52
WIDTH, HEIGHT = COLUMNS * (SIDE + GAP) + GAP, ROWS * (SIDE + GAP) + GAP + STRIP
DARK, LIGHT, FAINT, DIM = "#20242b", "#f2f2ee", "#6d7480", "#1c443c"  # a dark ground of its own, on any page
FONTS = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
FONT = {"DejaVuSans-Bold.ttf": 19, "DejaVuSans.ttf": 14}
LATE = [1, 2, 3, 4, 6, 8, 10, 12, 15, 18, 22, 26, 30]  # looks of puppies_ten_minutes that are about evenly spaced
FADES, STILL, STEP, START, END = 2, 170, 55, 1300, 3200  # frames of a fade; milliseconds


def pictures_of(sheet, columns=6):
    """The 24 pictures of a sheet: (24, 32, 32, 3) uint8."""
    height, width, _ = sheet.shape
    side = width // columns
    return sheet.reshape(height // side, side, columns, side, 3).swapaxes(1, 2).reshape(-1, side, side, 3)


def noise_of(seed, n=COLUMNS * ROWS, dim=64):
    """The 64 numbers from which each picture is made, as a picture, dark for 0 and light for 1. (n, 8, 8, 3) uint8."""
    z = uniform_noise(n, dim, torch.Generator().manual_seed(seed + 1))  # as PictureRun.generate draws them
    full, none = (np.array([int(colour[i:i + 2], 16) for i in (1, 3, 5)]) for colour in (PALETTE["noise"], DIM))
    shade = z.reshape(n, 8, 8, 1).numpy()
    return (none + shade * (full - none)).round().astype(np.uint8)


def wall_of(pictures):
    """The pictures in rows, on the dark ground, above an empty strip."""
    wall = Image.new("RGB", (WIDTH, HEIGHT), DARK)
    smooth = Image.Resampling.BICUBIC if pictures.shape[1] > 8 else Image.Resampling.NEAREST
    for i, picture in enumerate(pictures):
        place = GAP + i % COLUMNS * (SIDE + GAP), GAP + i // COLUMNS * (SIDE + GAP)
        wall.paste(Image.fromarray(picture).resize((SIDE, SIDE), smooth), place)
    return wall


def labelled(wall, step, seconds):
    """The wall with the strip written: the step (None: before the network), the time, and the place on the way."""
    frame = wall.copy()
    pen, base = ImageDraw.Draw(frame), HEIGHT - STRIP
    bold, plain = (ImageFont.truetype(str(FONTS / name), size) for name, size in FONT.items())
    if step is None:
        pen.text((12, base + 26), "64 random numbers each", LIGHT, bold, anchor="lm")
    else:
        pen.text((12, base + 26), f"step {step:,}", LIGHT, bold, anchor="lm")
        time = f"{seconds / 60:.0f} min" if seconds >= 60 else f"{seconds:.0f} s"
        pen.text((148, base + 26), f"{time}, one core" if step else "before training", LIGHT, plain, anchor="lm")
    left, right, y = 300, WIDTH - 34, base + 18
    pen.line([left, y, right, y], FAINT, 3)
    for mark in (0, 10, 100, 1000, 8500):
        x = left + (right - left) * along(mark)
        pen.line([x, y - 5, x, y + 5], FAINT, 3)
        pen.text((x, y + 20), f"{mark:,}", LIGHT, plain, anchor="mm")
    if step is not None:
        x = left + (right - left) * along(step)
        pen.line([left, y, x, y], PALETTE["generated"], 3)
        pen.polygon([(x - 9, y + 8), (x + 9, y + 8), (x, y - 9)], fill=PALETTE["generated"])
    return frame


def along(step):
    """Where a step lies on the way, from 0 to 1: logarithmically, and 0 itself at 0."""
    return math.log1p(step / 3) / math.log1p(8500 / 3)


def moments():
    """(step, seconds, pictures) of the recorded training, from step 0 to the last."""
    first, ten = load_recording("puppies_first_steps"), load_recording("puppies_ten_minutes")
    if not np.array_equal(first["losses"][0], ten["losses"][0][:first["losses"].shape[1]]):
        raise ValueError("puppies_first_steps and puppies_ten_minutes are two trainings: record both on one machine.")
    a_step = ten["seconds"][0][1] / ten["steps"][0][1]
    found = [(int(step), step * a_step, sheet) for step, sheet in zip(first["steps"][0], first["sheets"][0])]
    found += [(int(ten["steps"][0][look]), ten["seconds"][0][look], ten["sheets"][0][look]) for look in LATE]
    return ten.seeds[0], [(step, seconds, pictures_of(unpack_sheet(sheet))) for step, seconds, sheet in found]


def film():
    """Frames and the milliseconds of each: the noise, the training, and back to the noise."""
    seed, found = moments()
    stops = [(None, 0, wall_of(noise_of(seed)))] + [(step, seconds, wall_of(x)) for step, seconds, x in found]
    frames, times = [], []
    for (step, seconds, wall), (next_step, next_seconds, next_wall) in zip(stops, stops[1:] + stops[:1]):
        last = next_step is None
        frames.append(labelled(wall, step, seconds))
        times.append(START if not step else END if last else STILL)
        fades = 4 if last or not step else FADES
        for k in range(1, fades + 1):
            share = k / (fades + 1)
            words = (step, seconds) if share < 0.5 else (next_step, next_seconds)
            frames.append(labelled(Image.blend(wall, next_wall, share), *words))
            times.append(STEP)
    return frames, times


def main(output=HERE / "front.webp"):
    frames, times = film()
    part = output.with_name(f"{output.name}.part")
    settings = {"duration": times, "loop": 0, "quality": 68, "method": 4}
    try:
        frames[0].save(part, "WEBP", save_all=True, append_images=frames[1:], **settings)
        os.replace(part, output)
    except OSError as error:
        sys.exit(f"{output} could not be written ({error.strerror or error}); an old file is as it was.")
    finally:
        with contextlib.suppress(OSError):
            part.unlink()
    size = output.stat().st_size / 1e6
    print(f"{output.name}: {len(frames)} frames, {sum(times) / 1000:.0f} s, {WIDTH} x {HEIGHT}, {size:.2f} MB")


if __name__ == "__main__":
    main()
