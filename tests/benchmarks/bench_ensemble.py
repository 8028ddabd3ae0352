"""How fast many trainings at once are: python -m tests.benchmarks ensemble

`train_many` with 32 members against the plain loop, `train_gan`, with one after the other; per member, on one core,
both with all that a lesson's run has: a snapshot every 50 steps. In turn, so that another load slows both. Where a GPU
is at hand, 256 members on it as well.
"""

import statistics
import time

import torch

from helpers.distributions import ring
from helpers.ensemble import train_many
from helpers.losses import wasserstein
from helpers.networks import judge, mlp
from helpers.training import train_gan
from tests.benchmarks import Row

STEPS, ALONE, REPEATS = 100, 2, 3  # ALONE: members that the plain loop trains each time
CASES = [  # width, settings, what they are called, required
    (32, {}, "", 5.0),
    (64, {}, "", None),
    (128, {}, "", 1.5),
    (32, dict(loss=wasserstein, clip=0.1), ", clipped", None),
    (32, dict(loss=wasserstein, penalty=1.0), ", gradient penalty", None),
]


def _milliseconds(action, members):
    """Of one step of one member; snapshots lie on the processor, so that a GPU has finished when action returns."""
    began = time.perf_counter()
    action()
    return 1000 * (time.perf_counter() - began) / STEPS / members


def _case(width, settings, members, device):
    """Median milliseconds of a member's step: in train_many, in the plain loop."""
    target, words = ring(), dict(n_steps=STEPS, **settings)

    def make(rng):
        return mlp((2, width, width, 2), rng), judge((2, width, width, 1), rng)

    def together():
        list(train_many(make, range(members), target, device=device, **words))

    def one_by_one():
        for seed in range(ALONE):
            rng = torch.Generator(device).manual_seed(seed)
            list(train_gan(*make(rng), target, rng, **words))

    one_by_one()  # a GPU's first steps are slow
    times = [(_milliseconds(together, members), _milliseconds(one_by_one, ALONE)) for _ in range(REPEATS)]
    return map(statistics.median, zip(*times))


def run():
    """The Rows of the table."""
    threads, rows = torch.get_num_threads(), []
    cases = [(32, "cpu", case) for case in CASES]
    if torch.cuda.is_available():
        cases += [(256, "cuda", case) for case in CASES]
    torch.set_num_threads(1)
    try:
        for members, device, (width, settings, name, required) in cases:
            together, alone = _case(width, settings, members, device)
            ratio = alone / together
            name = f"{members} members{' on the GPU' if device == 'cuda' else ''}, width {width}{name}"
            rows += [
                Row(f"train_many, {name}: a step", together, "ms a member"),
                Row("train_many: the plain loop takes so many times longer", ratio, "times", least=required),
            ]
    finally:
        torch.set_num_threads(threads)
    return rows
