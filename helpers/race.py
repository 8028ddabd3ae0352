"""One line for a race: a method, a target, a budget of time. The scoreboard is made of these. Taught in lesson 12."""

import math
import time
from dataclasses import dataclass

import torch

from helpers import losses, networks
from helpers.distances import mmd2, wasserstein1, wasserstein_floor
from helpers.distributions import Target
from helpers.scores import ModeScore, score_modes
from helpers.training import Snapshot, train_gan, train_gmn

WIDTH, NOISE_DIM = 64, 2  # of every network, for every target: two hidden layers of 64
N_SCORED = 500  # points that are scored: W1 takes all pairs of them
MMD_BANDWIDTH = 0.5  # of the score, not of the training
MEMORY = 1.0  # seconds of training that the average of the generator's weights remembers


@dataclass(frozen=True)
class Method:
    """How one method trains: the settings that its race has, the same on every target.

    name: in words. steps_a_second: training steps of a plain loop on one core of the scoreboard's machine; it turns
    seconds into steps, so that a race is the same everywhere. settings: for `train_gmn` or `train_gan`.
    """

    name: str
    steps_a_second: float
    settings: dict

    @property
    def has_judge(self):
        """Whether a second network says what is real."""
        return "loss" in self.settings

    def steps(self, seconds):
        """Training steps in so many seconds of the scoreboard's core, at least 1."""
        return max(1, round(seconds * self.steps_a_second))

    @property
    def averaging(self):
        """The decay of the generator's average: it remembers MEMORY seconds, whatever a step takes."""
        return 1 - 1 / self.steps(MEMORY)


METHODS = {  # rates and restraints: the best of a small search on moons, ring and grid, with other seeds
    "gmn": Method("GMN", 150, dict(bandwidth=(2.0, 0.5, 0.125), batch_size=256, lr=3e-3)),
    "minimax": Method("minimax", 200, dict(loss=losses.minimax, lr_generator=4e-3, lr_discriminator=4e-3)),
    "modified": Method("modified minimax", 200, dict(loss=losses.modified_minimax, lr_generator=4e-3,
                                                     lr_discriminator=4e-3)),
    "clip": Method("Wasserstein, clip", 70, dict(loss=losses.wasserstein, clip=0.1, discriminator_steps=5,
                                                 lr_generator=1e-3, lr_discriminator=1e-3)),
    "penalty": Method("Wasserstein, penalty", 50, dict(loss=losses.wasserstein, penalty=0.1, discriminator_steps=5,
                                                       lr_generator=4e-3, lr_discriminator=4e-3)),
}


@dataclass(frozen=True, eq=False)
class Race:
    """How far one training came; print it for one line in words.

    method, target: names. steps, seconds: done, and what they took here. w1, mmd2: from N_SCORED generated points to as
    many fresh real ones, W1 beside its floor, what two samples of the target are apart. score: the ModeScore of 2,500
    points, None where there are no modes to count. snapshot: of the end.
    """

    method: str
    target: str
    seed: int
    steps: int
    seconds: float
    w1: float
    floor: float
    mmd2: float
    score: ModeScore | None
    snapshot: Snapshot

    def __str__(self):
        modes = ""
        if self.score is not None:
            k = len(self.score.weights)
            modes = f" {self.score.covered} of {k} modes covered, {100 * self.score.high_quality:.0f} % high quality,"
        return f"{self.method} on {self.target}:{modes} W1 {self.w1:.3f} (floor {self.floor:.3f})"


def pair(target, rng):
    """A new generator and judge for points of the target's dimension."""
    return (networks.mlp((NOISE_DIM, WIDTH, WIDTH, target.dim), rng),
            networks.judge((target.dim, WIDTH, WIDTH, 1), rng))


def start(method, target, rng, seconds, looks=1):
    """The Run of this method, a key of METHODS, on a target, with so many looks after the first one."""
    how = METHODS[method]
    generator, judge = pair(target, rng)
    n_steps = how.steps(seconds)
    words = dict(noise_dim=NOISE_DIM, n_steps=n_steps, every=math.ceil(n_steps / looks), n_shown=2500, n_arrows=0,
                 averaging=how.averaging, **how.settings)
    if how.has_judge:
        return train_gan(generator, judge, target, rng, **words)
    return train_gmn(generator, target, rng, **words)


def race(method, target, seed=0, seconds=3.0):
    """A Race: trains the pair of the scoreboard by one method on one target, and scores its averaged generator.

    method: "gmn", "minimax", "modified", "clip" or "penalty", the keys of METHODS. target: any Target, or a sketchpad,
    for what is drawn on it. seed: a whole number; it decides everything. seconds: more than 0, on the scoreboard's
    machine; yours may take more or less. Raises ValueError or TypeError, with what may stand there, for anything else.
    Taught in lesson 12.
    """
    target = target.target() if hasattr(target, "target") else target  # a sketchpad's drawing
    _check_race(method, target, seed, seconds)
    began = time.perf_counter()
    run = start(method, target, torch.Generator().manual_seed(seed), seconds)
    *_, last = run
    taken = time.perf_counter() - began
    fresh = torch.Generator().manual_seed(10**6 + seed)
    w1, mmd, score = scores_of(last.x_average, target, fresh)
    floor = wasserstein_floor(target, N_SCORED, fresh)
    return Race(METHODS[method].name, target.name, seed, last.step, taken, w1, floor, mmd, score, last)


def scores_of(x_fake, target, rng):
    """(W1, MMD^2, ModeScore or None) of generated points, (n, dim), at least N_SCORED, against fresh ones from rng."""
    x_real = target.sample(N_SCORED, rng)
    some = x_fake[:N_SCORED]
    score = score_modes(x_fake, target) if countable(target) else None
    return wasserstein1(some, x_real), float(mmd2(some, x_real, MMD_BANDWIDTH)), score


def countable(target):
    """Whether the target has modes of one width, equally likely, which `score_modes` can count."""
    return target.modes is not None and target.sd is not None and target.dim > 1


def _check_race(method, target, seed, seconds):
    if method not in METHODS:
        raise ValueError(f"there is no method {method!r}; there are: {', '.join(METHODS)}.")
    if not isinstance(target, Target):
        raise TypeError(f"target must be a Target, such as ring(), or a sketchpad, but is of type "
                        f"{type(target).__name__}. from_points makes one of samples.")
    if not isinstance(seed, int) or isinstance(seed, bool):
        raise TypeError(f"seed must be a whole number such as 0, but is {seed!r}.")
    if seed < 0:
        raise ValueError(f"seed must be a whole number of at least 0, but is {seed}.")
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 < seconds < math.inf:
        raise ValueError(f"seconds must be a number greater than 0, such as 3, but is {seconds!r}.")
