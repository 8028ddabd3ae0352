"""How fast the distances are: python -m tests.benchmarks distances

`mmd2` against plain broadcasting and geomloss, `wasserstein1` against POT, each pair in turn on one core; and the
memory that `mmd2` takes beyond its arguments, in (n, m) matrices, in a process of its own.
"""

import statistics
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import ot
import torch
from geomloss import SamplesLoss

from helpers.distances import mmd2, wasserstein1
from helpers.distributions import grid, ring, two_moons
from tests.benchmarks import Row

BANDWIDTHS = [0.1, 0.3, 1.0, 2.0, 4.0]
REPEATS = 15
ROOT = Path(__file__).parent.parent.parent
MEMORY = """
import torch
from helpers.distances import mmd2
def peak():  # not ru_maxrss, which begins at what the parent process took
    return int(open("/proc/self/status").read().split("VmHWM:")[1].split()[0])
torch.set_num_threads(1)
x, y = torch.randn(8000, 2, requires_grad=True), torch.randn(8000, 2)
mmd2(x[:500], y[:500], 1.0).backward()
before = peak()
mmd2(x, y, 1.0).backward()
print((peak() - before) * 1024 / (4 * 8000 * 8000))
"""


def _plain_mmd2(x, y):
    """As one writes it down: all squared distances by broadcasting, the sum over all bandwidths."""
    def total(a, b):
        squared = (a[:, None, :] - b[None, :, :]).square().sum(dim=2)
        return sum(torch.exp(-squared / (2 * sigma**2)) for sigma in BANDWIDTHS).sum() / len(BANDWIDTHS)

    n, m = len(x), len(y)
    return (total(x, x) - n) / (n * (n - 1)) + (total(y, y) - m) / (m * (m - 1)) - 2 * total(x, y) / (n * m)


def _geomloss_mmd2(x, y):
    return sum(2 * SamplesLoss("gaussian", blur=sigma, backend="tensorized")(x, y) for sigma in BANDWIDTHS) / len(BANDWIDTHS)


def _medians(actions, repeats):
    """The median seconds of each action, done in turn, so that another load on the machine slows all."""
    times = [[] for _ in actions]
    for _ in range(repeats):
        for action, measured in zip(actions, times):
            began = time.perf_counter()
            action()
            measured.append(time.perf_counter() - began)
    return [statistics.median(measured[1:] or measured) for measured in times]


def run():
    """The Rows of the table."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        return _run()
    finally:
        torch.set_num_threads(threads)


def _run():
    rng = torch.Generator().manual_seed(0)
    x, y = torch.randn(1000, 2, generator=rng).requires_grad_(), torch.randn(1000, 2, generator=rng) + 0.3

    def forward_and_gradient(distance):
        return lambda: torch.autograd.grad(distance(x, y), x)

    ours, plain, theirs = _medians(
        [forward_and_gradient(lambda x, y: mmd2(x, y, BANDWIDTHS)), forward_and_gradient(_plain_mmd2),
         forward_and_gradient(_geomloss_mmd2)], REPEATS)
    rows = [
        Row("mmd2, 1,000 x 1,000, 5 bandwidths, with gradient", 1000 * ours, "ms"),
        Row("mmd2: plain broadcasting takes so many times longer", plain / ours, "times", least=2.5),
        Row("mmd2: geomloss takes so many times longer", theirs / ours, "times", least=1),
    ]
    if Path("/proc/self/status").exists():
        command = [sys.executable, "-c", MEMORY]
        matrices = float(subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout)
        rows.append(Row("mmd2, 8,000 x 8,000: memory beyond its arguments", matrices, "matrices", most=3))
    pairs = {"ring and ring": (ring(), ring()), "moons and ring": (two_moons(), ring()), "grid and grid": (grid(), grid())}
    for name, (first, second) in pairs.items():
        a, b = first.sample(2000, rng).double(), second.sample(2000, rng).double()
        weights, costs = np.full(2000, 1 / 2000), torch.cdist(a, b).numpy()
        ours, theirs = _medians([lambda a=a, b=b: wasserstein1(a, b),
                                 lambda w=weights, c=costs: ot.emd2(w, w, c, numItermax=10**7)], 6)
        rows += [Row(f"wasserstein1, 2,000 x 2,000, {name}", ours, "s"),
                 Row("wasserstein1 takes so many times longer than POT", ours / theirs, "times", most=3)]
    return rows
