"""Recorded for lesson 12: the ring and the grid of the papers' tables, by a GAN in fog that lifts."""

import time
from itertools import islice

import numpy as np
import torch

from data.evidence.recording import recording
from helpers import distances, distributions, networks
from helpers.fog import Stacked, fog_steps, noise_of_each
from helpers.scores import score_modes

POINTS = 2500  # samples of the protocol
TOGETHER = 50  # steps whose losses are recorded as one mean


def published(target, unit, seeds, hidden, stop_after, **settings):
    """Arrays with the seed first: the scores of 2,500 samples, W1 beside its floor, losses, the points, seconds.

    losses: (seed, look, 2), the judges' and the generators', means over TOGETHER steps. w1: to 2,500 fresh points;
    w1_floor: of 2,500 other ones to the same. seconds: CPU time of the training of all seeds of one call together.
    """
    began, rngs = time.process_time(), [torch.Generator().manual_seed(seed) for seed in seeds]
    pairs = [(networks.mlp((2, *hidden, 2), rng), networks.judge((2, *hidden, 1), rng)) for rng in rngs]
    generators, judges = map(Stacked, zip(*pairs))
    average = networks.averaged(generators)
    steps = fog_steps(generators, judges, average, target, rngs, unit=unit, **settings)
    losses = torch.stack(list(islice(steps, stop_after)), dim=1)
    seconds = time.process_time() - began
    found = {"losses": losses.unflatten(1, (-1, TOGETHER)).mean(dim=2).numpy()}
    if stop_after is not None:
        return found
    found["seconds"] = np.full(len(seeds), seconds)
    found["points"] = (unit * average(noise_of_each(rngs, POINTS, 2))).numpy()
    scores = [score_modes(torch.from_numpy(points), target) for points in found["points"]]
    for name in ("captured", "covered", "high_quality", "reverse_kl"):
        found[name] = np.array([getattr(score, name) for score in scores])
    fresh = [[target.sample(POINTS, rng) for _ in range(2)] for rng in rngs]
    found["w1"] = np.array([distances.wasserstein1(x, y) for x, (y, _) in zip(found["points"], fresh)])
    found["w1_floor"] = np.array([distances.wasserstein1(x, y) for x, y in fresh])
    return found


@recording("published_ring", seeds=range(10), at_a_time=5, piece=50,
           settings=dict(n_steps=15_000, hidden=[64] * 2, lr_generator=3e-3, lifted=0.3, falling=0.3, matching=0.0))
def published_ring(seeds, stop_after=None, **settings):
    """A GAN in fog that lifts, on the ring of 8 of the papers' tables: radius 1, standard deviation 0.01."""
    return published(distributions.ring(radius=1.0, sd=0.01), 0.5**0.5, seeds, stop_after=stop_after, **settings)


@recording("published_grid", seeds=range(10), at_a_time=5, piece=50,
           settings=dict(n_steps=40_000, hidden=[64] * 3, lr_generator=1.5e-3, lifted=0.4, falling=0.2, matching=10.0))
def published_grid(seeds, stop_after=None, **settings):
    """A GAN in fog that lifts, on the grid of 25 of the papers' tables: 2 apart, standard deviation 0.05."""
    return published(distributions.grid(), 8**0.5, seeds, stop_after=stop_after, **settings)
