"""How quickly a film loads and scrubs: python -m tests.benchmarks player

61 snapshots of 2,000 generated points: the time until `player` stands, and the time in the kernel from a move of the
slider to the new picture, against `sliders` with a scene of the same size (that of bench_sliders).
"""

import contextlib
import statistics
import time

import matplotlib

matplotlib.use("agg")
import torch

from helpers import distributions, widgets
from helpers.networks import mlp
from helpers.training import train_gmn
from tests.benchmarks import Row, bench_sliders

REPEATS = 30


def _stage(call):
    with contextlib.redirect_stdout(None):  # without a kernel, both print their sentence
        call()
    return widgets.shown()[-1]


def run():
    """The Rows of the table."""
    rng = torch.Generator().manual_seed(0)
    film = list(train_gmn(mlp((2, 64, 64, 2), rng), distributions.two_moons(), rng, [0.3, 1.0], n_steps=120, every=2,
                          batch_size=64, n_shown=2000))
    began = time.perf_counter()
    ours = _stage(lambda: widgets.player(film))
    load = time.perf_counter() - began

    _, generated, field = bench_sliders._scene()
    fig, image, points = bench_sliders._figure(0.0, layout="constrained")

    def draw(shift):
        points.set_data(generated[:, 0] + shift, generated[:, 1])
        image.set_data(field(shift))
        return f"Shifted by {shift:.2f}."

    theirs = _stage(lambda: widgets.sliders(draw, fig, shift=(-2.0, 2.0, 0.01, 0.0)))
    moves = [(lambda i: ours.set(snapshot=1 + 2 * i), []), (lambda i: theirs.set(shift=-2 + 4 * i / REPEATS), [])]
    for i in range(REPEATS):  # in turn, so that another load on the machine slows both
        for move, times in moves:
            began = time.perf_counter()
            move(i)
            times.append(time.perf_counter() - began)
    film_ms, sliders_ms = (1000 * statistics.median(times[1:]) for _, times in moves)
    return [
        Row(f"player of {len(film)} snapshots of 2,000 points, until it stands", load, "s", most=1),
        Row("player, from a move to the picture, in the kernel", film_ms, "ms"),
        Row("player takes so many times longer than sliders", film_ms / sliders_ms, "times", most=1),
    ]
