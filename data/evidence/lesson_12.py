"""Recorded for lesson 12: every method on every distribution, the same networks, the same seconds."""

import math

import numpy as np
import torch

from data.evidence.recording import recording
from helpers import distances, distributions
from helpers.ensemble import train_many
from helpers.race import METHODS, N_SCORED, countable, pair, scores_of, start

SEEDS, SETTINGS = range(1200, 1220), dict(seconds=10)
LOOKS, N_KEPT, FIRST = 10, 300, 10  # looks, one each second; points kept for pictures; steps whose losses are kept


def trained(method, seeds, target, seconds):
    """(losses of the first steps, looks): (seed, step, players), and at each look the Snapshots, one for each seed."""
    how = METHODS[method]
    if not how.has_judge:
        runs = [start(method, target, torch.Generator().manual_seed(seed), seconds, LOOKS) for seed in seeds]
        looks = list(zip(*map(quiet, runs)))
        return np.array([run.losses[:FIRST] for run in runs])[..., None], looks
    n_steps = how.steps(seconds)
    runs = train_many(lambda rng: pair(target, rng), list(seeds), target, n_steps=n_steps, n_shown=2500, n_arrows=0,
                      every=math.ceil(n_steps / LOOKS), averaging=how.averaging, **how.settings)
    looks = quiet(runs)
    return runs.losses[:, :FIRST].numpy(), looks


def quiet(run):
    """All looks of a run, without a progress bar."""
    return list(iter(lambda: next(run, None), None))


def board(seeds, target, seconds, stop_after):
    """Arrays of every method on one target, (seed, look) or (seed, step, player), and a perfect sampler's values."""
    found = {}
    for method, how in METHODS.items():
        if stop_after:  # the first steps only
            found[f"first_{method}"] = trained(method, seeds, target, stop_after / how.steps_a_second)[0]
            continue
        losses, looks = trained(method, seeds, target, seconds)
        fresh = [torch.Generator().manual_seed(10**6 + seed) for seed in seeds]
        rows = {name: [] for name in ("w1", "raw_w1", "mmd2")}
        for snapshots in looks[1:]:
            scores = [scores_of(s.x_average, target, rng) for s, rng in zip(snapshots, fresh)]
            rows["w1"].append([w1 for w1, _, _ in scores])
            rows["mmd2"].append([mmd for _, mmd, _ in scores])
            rows["raw_w1"].append([distances.wasserstein1(s.x_fake[:N_SCORED], target.sample(N_SCORED, rng))
                                   for s, rng in zip(snapshots, fresh)])
            if countable(target):
                for name in ("captured", "covered", "high_quality", "reverse_kl"):
                    rows.setdefault(name, []).append([getattr(score, name) for _, _, score in scores])
        found |= {f"{name}_{method}": np.array(values, dtype=np.float32).T for name, values in rows.items()}
        found[f"first_{method}"] = losses.astype(np.float32)
        found[f"points_{method}"] = np.stack([s.x_average[:N_KEPT].numpy() for s in looks[-1]]).astype(np.float16)
        found[f"steps_{method}"] = np.array([[s[0].step for s in looks[1:]]] * len(seeds))
    return found if stop_after else found | perfect(seeds, target)


def perfect(seeds, target):
    """The same numbers of a perfect sampler, (seed,): two samples of the target against each other."""
    found = {}
    for seed in seeds:
        rng = torch.Generator().manual_seed(2 * 10**6 + seed)
        w1, mmd, score = scores_of(target.sample(2500, rng), target, rng)
        values = dict(w1=w1, mmd2=mmd)
        if score is not None:
            values |= {name: getattr(score, name) for name in ("captured", "covered", "high_quality", "reverse_kl")}
        for name, value in values.items():
            found.setdefault(f"{name}_perfect", []).append(value)
    return {name: np.array(values, dtype=np.float32) for name, values in found.items()}


@recording("board_mixture", seeds=SEEDS, settings=SETTINGS, at_a_time=10, piece=FIRST)
def board_mixture(seeds, seconds, stop_after=None):
    """Five methods on a mixture of three Gaussians on the line, the same networks, the same seconds."""
    return board(seeds, distributions.mixture_1d(), seconds, stop_after)


@recording("board_moons", seeds=SEEDS, settings=SETTINGS, at_a_time=10, piece=FIRST)
def board_moons(seeds, seconds, stop_after=None):
    """Five methods on two moons, the same networks, the same seconds."""
    return board(seeds, distributions.two_moons(), seconds, stop_after)


@recording("board_swiss_roll", seeds=SEEDS, settings=SETTINGS, at_a_time=10, piece=FIRST)
def board_swiss_roll(seeds, seconds, stop_after=None):
    """Five methods on a Swiss roll, the same networks, the same seconds."""
    return board(seeds, distributions.swiss_roll(), seconds, stop_after)


@recording("board_ring", seeds=SEEDS, settings=SETTINGS, at_a_time=10, piece=FIRST)
def board_ring(seeds, seconds, stop_after=None):
    """Five methods on a ring of eight heaps, the same networks, the same seconds."""
    return board(seeds, distributions.ring(), seconds, stop_after)


@recording("board_grid", seeds=SEEDS, settings=SETTINGS, at_a_time=10, piece=FIRST)
def board_grid(seeds, seconds, stop_after=None):
    """Five methods on a grid of 25 heaps, the same networks, the same seconds."""
    return board(seeds, distributions.grid(), seconds, stop_after)


@recording("board_paw", seeds=SEEDS, settings=SETTINGS, at_a_time=10, piece=FIRST)
def board_paw(seeds, seconds, stop_after=None):
    """Five methods on a drawing, a paw print, the same networks, the same seconds."""
    return board(seeds, distributions.paw_print(), seconds, stop_after)


@recording("board_rates", seeds=SEEDS, settings=SETTINGS | dict(rates=[0.0005, 0.001, 0.002, 0.004, 0.008, 0.016]),
           at_a_time=10, piece=FIRST)
def board_rates(seeds, seconds, rates, stop_after=None):
    """The modified minimax loss and the Wasserstein loss with penalty on the ring, with six learning rates each."""
    target, found = distributions.ring(), {}
    members = [(seed, rate) for seed in seeds for rate in rates]
    for method in ("modified", "penalty"):
        how = METHODS[method]
        n_steps = stop_after or how.steps(seconds)
        each = {name: [rate for _, rate in members] for name in ("lr_generator", "lr_discriminator")}
        runs = train_many(lambda rng: pair(target, rng), [seed for seed, _ in members], target, n_steps=n_steps,
                          every=n_steps, n_shown=2500, n_arrows=0, averaging=how.averaging, **(how.settings | each))
        *_, last = quiet(runs)
        first = runs.losses[:, :FIRST].reshape(len(seeds), len(rates), -1, 2)
        found[f"first_{method}"] = first.transpose(1, 2).numpy().astype(np.float32)
        if not stop_after:
            scores = [scores_of(s.x_average, target, torch.Generator().manual_seed(10**6 + seed))
                      for s, (seed, _) in zip(last, members)]
            shape = len(seeds), len(rates)
            found[f"w1_{method}"] = np.array([w1 for w1, _, _ in scores], dtype=np.float32).reshape(shape)
            found[f"covered_{method}"] = np.array([score.covered for *_, score in scores]).reshape(shape)
    return found
