"""Recorded for lesson 10: critics and discriminators in the game, equally often trained, on two targets."""

import numpy as np
import torch

from data.evidence.recording import recording
from helpers import distances, distributions, losses, networks
from helpers.ensemble import train_many
from helpers.scores import score_modes

EVERY = 40  # generator steps between two looks
KINDS = {  # clip and penalty: the better one of two each, on the moons, with other seeds
    "minimax_1": dict(loss=losses.minimax, n_steps=2400, lr_generator=2e-3, lr_discriminator=2e-3),
    "modified_1": dict(loss=losses.modified_minimax, n_steps=2400, lr_generator=2e-3, lr_discriminator=2e-3),
    "modified_5": dict(loss=losses.modified_minimax, n_steps=800, lr_generator=2e-3, lr_discriminator=2e-3,
                       discriminator_steps=5),
    "minimax_5": dict(loss=losses.minimax, n_steps=800, lr_generator=2e-3, lr_discriminator=2e-3,
                      discriminator_steps=5),
    "clipped_5": dict(loss=losses.wasserstein, n_steps=800, lr_generator=1e-3, lr_discriminator=1e-3,
                      discriminator_steps=5, clip=0.1),
    "penalty_5": dict(loss=losses.wasserstein, n_steps=800, lr_generator=2e-3, lr_discriminator=2e-3,
                      discriminator_steps=5, penalty=0.1),
    "penalty_1": dict(loss=losses.wasserstein, n_steps=2400, lr_generator=2e-3, lr_discriminator=2e-3, penalty=0.1),
}


def pair(width):
    def make(rng):
        return networks.mlp((2, width, width, 2), rng), networks.judge((2, width, width, 1), rng)
    return make


def game(target, seeds, width, batch_size, points, stop_after):
    """Arrays (seed, look) of every kind: W1 to fresh points, share on heaps and heaps covered, the judge's gap.

    For the critic with penalty also W1 to other fresh points: how well can W1 itself be read?
    """
    found = {}
    for kind, settings in KINDS.items():
        settings = dict(settings, n_steps=stop_after or settings["n_steps"])
        fresh = [torch.Generator().manual_seed(10**6 + seed) for seed in seeds]
        runs = train_many(pair(width), list(seeds), target, batch_size=batch_size, every=EVERY, n_shown=points,
                          n_arrows=0, **settings)
        looks = {"w1": [], "again": [], "quality": [], "covered": [], "gap": []}
        others = [torch.Generator().manual_seed(2 * 10**6 + seed) for seed in seeds]
        for snapshots in runs:
            reals = [target.sample(points, rng) for rng in fresh]
            looks["w1"].append([distances.wasserstein1(s.x_fake, x) for s, x in zip(snapshots, reals)])
            if kind == "penalty_5":
                looks["again"].append([distances.wasserstein1(s.x_fake, target.sample(points, rng))
                                       for s, rng in zip(snapshots, others)])
            if target.modes is not None:
                scores = [score_modes(s.x_fake, target) for s in snapshots]
                looks["quality"].append([score.high_quality for score in scores])
                looks["covered"].append([score.covered for score in scores])
            with torch.no_grad():
                looks["gap"].append([(judge(x).mean() - judge(s.x_fake).mean()).item()
                                     for judge, s, x in zip(runs.discriminators, snapshots, reals)])
        for name, values in looks.items():
            if values:
                found[f"{name}_{kind}"] = np.array(values, dtype=np.float32).T
    return found


@recording("grades_on_moons", seeds=range(3000, 3020), settings=dict(width=64, batch_size=128, points=500),
           at_a_time=10, piece=40)
def grades_on_moons(seeds, width, batch_size, points, stop_after=None):
    """Seven ways to judge a generator of two moons: minimax and modified loss, and critics."""
    return game(distributions.two_moons(), seeds, width, batch_size, points, stop_after)


@recording("grades_on_ring", seeds=range(3000, 3020), settings=dict(width=64, batch_size=128, points=500),
           at_a_time=10, piece=40)
def grades_on_ring(seeds, width, batch_size, points, stop_after=None):
    """Seven ways to judge a generator of a ring of eight heaps: minimax and modified loss, and critics."""
    return game(distributions.ring(), seeds, width, batch_size, points, stop_after)
