"""How quickly a slider's picture follows: python -m tests.benchmarks sliders

2,000 + 2,000 points and a field of 100 x 100: the time in the kernel from a change to the new picture,
against what `interact` does, which is a fresh figure and the PNG that IPython's inline backend makes of it.
"""

import base64
import contextlib
import statistics
import time

import matplotlib

matplotlib.use("agg")
import matplotlib.pyplot as plt
import numpy as np
from IPython.core.pylabtools import print_figure

from helpers import widgets
from helpers.plots import PALETTE
from tests.benchmarks import Row

REPEATS = 30


def _scene():
    rng = np.random.default_rng(0)
    real, generated = rng.normal(size=(2, 2000, 2))
    across = np.linspace(-4, 4, 100)

    def field(shift):
        return np.tile(1 / (1 + np.exp(shift - across)), (100, 1))

    return real, generated, field


def _figure(shift, layout=None):
    """A figure with its field and its moving points."""
    real, generated, field = _scene()
    fig, ax = plt.subplots(figsize=(6, 5), layout=layout)
    image = ax.imshow(field(shift), extent=(-4, 4, -4, 4), origin="lower", cmap="coolwarm", vmin=0, vmax=1)
    ax.plot(*real.T, "o", color=PALETTE["real"], markersize=3, label="real")
    points, = ax.plot(generated[:, 0] + shift, generated[:, 1], "^", color=PALETTE["generated"], markersize=3,
                      label="generated")
    ax.set(xlim=(-4, 4), ylim=(-4, 4), title="The generated points follow the slider")
    ax.legend(loc="upper right")
    return fig, image, points


def _fresh(shift):
    """What `interact` does after every change; without a layout engine, so that it is at its fastest."""
    fig, _, _ = _figure(shift)
    base64.b64encode(print_figure(fig, "png"))
    plt.close(fig)


def run():
    """The Rows of the table: medians of 30 changes, fresh figures and sliders in turn."""
    _, generated, field = _scene()
    fig, image, points = _figure(0.0, layout="constrained")

    def draw(shift):
        points.set_data(generated[:, 0] + shift, generated[:, 1])
        image.set_data(field(shift))
        return f"The generated points are shifted by {shift:.2f}."

    with contextlib.redirect_stdout(None):  # without a kernel, sliders prints its sentence
        widgets.sliders(draw, fig, shift=(-2.0, 2.0, 0.01, 0.0))
    slider = widgets.shown()[-1].controls["shift"].source
    slider.value = 0.01  # takes the background
    _fresh(0.0)
    ours, theirs = [], []
    for i in range(REPEATS):  # in turn, so that another load on the machine slows both
        for change, times in ((lambda shift: setattr(slider, "value", shift), ours), (_fresh, theirs)):
            began = time.perf_counter()
            change(-2 + 4 * (i + 1) / REPEATS)
            times.append(time.perf_counter() - began)
    ours, theirs = 1000 * statistics.median(ours), 1000 * statistics.median(theirs)
    return [
        Row("interact's fresh figure, from change to picture, in the kernel", theirs, "ms"),
        Row("sliders, from change to picture, in the kernel", ours, "ms"),
        Row("sliders: a fresh figure takes so many times longer", theirs / ours, "times", least=4),
    ]

