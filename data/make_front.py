"""Make data/front.webp, the README's moving picture: sixteen uniform numbers, and below them their puppy.

    python data/make_front.py

Nothing in it is painted by hand: each frame moves every number a little and calls `draw_puppies`.
"""

import contextlib
import math
import os
import sys
from pathlib import Path

import torch
from PIL import Image, ImageDraw

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from helpers.plots import PALETTE  # noqa: E402
from helpers.puppies import N_FACTORS, draw_puppies  # noqa: E402

N_PUPPIES, N_FRAMES, SIZE, GAP, BARS = 6, 60, 132, 10, 44
N_CHOICES = 4  # the factors that choose the litter; each puppy keeps one litter for half of the film


def factors(frame, start, speed):
    """The numbers of every puppy at one frame: most swing, the choices change twice. (n, N_FACTORS)."""
    time = frame / N_FRAMES
    swing = 0.5 + 0.5 * torch.sin(2 * math.pi * (start[0] + speed * time))
    half = ((time + torch.arange(N_PUPPIES)[:, None] / N_PUPPIES) % 1 < 0.5).long()
    choice = torch.where(half == 0, start[0], start[1])[:, :N_CHOICES]
    return torch.cat([choice, swing[:, N_CHOICES:]], dim=1)


def frame_picture(u):
    """One frame: bars for the numbers, the puppies under them."""
    sheet = Image.new("RGB", (GAP + N_PUPPIES * (SIZE + GAP), BARS + 3 * GAP + SIZE), "white")
    pen = ImageDraw.Draw(sheet)
    pictures = (draw_puppies(u, SIZE).permute(0, 2, 3, 1) * 255).round().byte().numpy()
    width = SIZE / N_FACTORS
    for i, picture in enumerate(pictures):
        left = GAP + i * (SIZE + GAP)
        sheet.paste(Image.fromarray(picture), (left, BARS + 2 * GAP))
        for k, number in enumerate(u[i].tolist()):
            x = left + k * width
            pen.rectangle([x, GAP + BARS * (1 - number), x + width - 3, GAP + BARS], fill=PALETTE["noise"])
    return sheet


def main(output=HERE / "front.webp"):
    rng = torch.Generator().manual_seed(15)
    start = torch.rand(2, N_PUPPIES, N_FACTORS, generator=rng)
    speed = torch.randint(1, 3, (N_PUPPIES, N_FACTORS), generator=rng)  # whole turns, so that the film closes
    frames = [frame_picture(factors(frame, start, speed)) for frame in range(N_FRAMES)]
    part = output.with_name(f"{output.name}.part")
    settings = {"duration": 90, "loop": 0, "quality": 82, "method": 4}
    try:
        frames[0].save(part, "WEBP", save_all=True, append_images=frames[1:], **settings)
        os.replace(part, output)
    except OSError as error:
        sys.exit(f"{output} could not be written ({error.strerror or error}); an old file is as it was.")
    finally:
        with contextlib.suppress(OSError):
            part.unlink()
    print(f"{output.name}: {N_FRAMES} frames, {output.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
