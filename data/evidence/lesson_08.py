"""The experiments of lesson 8: training on past the point where it is good, and which heap each run of a GAN holds."""

from functools import partial

import numpy as np
import torch
from torch import nn

from data.evidence.recording import recording
from helpers import distances, distributions, networks
from helpers.ensemble import train_many
from helpers.losses import minimax
from helpers.sampling import uniform_noise
from helpers.training import BETAS, discriminator_step

WIDTH = 32


def pair(rng, dim):
    """A fresh generator and discriminator."""
    return networks.mlp((dim, WIDTH, WIDTH, dim), rng), networks.judge((dim, WIDTH, WIDTH, 1), rng)


class Box(nn.Module):
    """Keeps points inside the square from -3 to 3."""

    def forward(self, x):
        return 3 * torch.tanh(x)


class SeesTheSpread(nn.Module):
    """A judge that is told, beside each point, how widely its whole batch is spread."""

    def __init__(self, network):
        super().__init__()
        self.network = network

    def forward(self, x):
        spread = x.std(dim=0).mean().expand(len(x), 1)
        return self.network(torch.cat([x, spread], dim=1))


class SeesANeighbour(nn.Module):
    """A judge that is shown two points of a batch at once: each with the one before it."""

    def __init__(self, network):
        super().__init__()
        self.network = network

    def forward(self, x):
        return self.network(torch.cat([x, x.roll(1, dims=0)], dim=1))


def prepared_pair(rng, target, noise_dim=2, features=2, kind=None):
    """A fresh generator inside the square, and a judge that has learned to tell the target from even points in it.

    features: how many numbers the judge is given. kind: SeesTheSpread, SeesANeighbour, or None for a plain judge.
    """
    generator = nn.Sequential(*networks.mlp((noise_dim, WIDTH, WIDTH, 2), rng), Box())
    discriminator = networks.judge((features, WIDTH, WIDTH, 1), rng)
    if kind is not None:
        discriminator = kind(discriminator)
    optimizer = torch.optim.Adam(discriminator.parameters(), lr=5e-3, betas=BETAS)
    for _ in range(300):
        z = 2 * uniform_noise(128, 2, rng) - 1
        discriminator_step(lambda z: 3 * z, discriminator, optimizer, target.sample(128, rng), z, minimax)
    return generator, discriminator


def accuracy(discriminator, x_real, x_fake):
    """The share of right verdicts, half of them about real points."""
    with torch.no_grad():
        return ((discriminator(x_real) > 0).float().mean() + (discriminator(x_fake) < 0).float().mean()).item() / 2


def past_equilibrium(target, dim, seeds, rates, n_steps, every, n_points, decay, stop_after):
    """Arrays (seed, look, rate) of what each run looks like; every seed is trained with every rate."""
    members = [(seed, rate) for seed in seeds for rate in rates]
    each_rate = [rate for _, rate in members]
    runs = train_many(lambda rng: pair(rng, dim), [seed for seed, _ in members], target, noise_dim=dim,
                      n_steps=stop_after or n_steps, every=every, n_shown=n_points, n_arrows=0, averaging=decay,
                      lr_generator=each_rate, lr_discriminator=each_rate)
    # real points that no training saw; the rules that read the accuracy are scored on others
    fresh = [torch.Generator().manual_seed(seed + 10**6) for seed, _ in members]
    for_accuracy = [torch.Generator().manual_seed(seed + 2 * 10**6) for seed, _ in members]
    names = ("w1", "w1_average", "moved", "accuracy", "loss_d", "loss_g")
    looks, before = {name: [] for name in names}, [None] * len(members)
    for snapshots in runs:
        found = {name: [] for name in names}
        for i, (snapshot, discriminator) in enumerate(zip(snapshots, runs.discriminators)):
            x_real = target.sample(n_points, fresh[i])
            found["w1"].append(distances.wasserstein1(snapshot.x_fake, x_real))
            found["w1_average"].append(distances.wasserstein1(snapshot.x_average, x_real))
            # from the same noise: 0 for a generator that is at rest
            found["moved"].append(np.nan if before[i] is None else distances.wasserstein1(snapshot.x_fake, before[i]))
            before[i] = snapshot.x_fake
            x_other = target.sample(n_points, for_accuracy[i])
            found["accuracy"].append(accuracy(discriminator, x_other, snapshot.x_fake))
            recent = snapshot.judge_losses[-every:], snapshot.losses[-every:]
            found["loss_d"].append(recent[0].mean().item() if snapshot.step else np.nan)
            found["loss_g"].append(recent[1].mean().item() if snapshot.step else np.nan)
        for name in names:
            looks[name].append(np.reshape(found[name], (len(seeds), len(rates))))
    return {name: np.stack(values, axis=1).astype(np.float32) for name, values in looks.items()}


@recording("moons_past_equilibrium", seeds=range(800, 820),
           settings=dict(rates=[1e-3, 4e-3], n_steps=6000, every=100, n_points=500, decay=0.99), at_a_time=10,
           piece=100)
def moons_past_equilibrium(seeds, rates, n_steps, every, n_points, decay, stop_after=None):
    """GANs on the two moons (minimax loss, width 32, batch 128) at two learning rates, looked at every 100 steps."""
    return past_equilibrium(distributions.two_moons(), 2, seeds, rates, n_steps, every, n_points, decay, stop_after)


@recording("line_past_equilibrium", seeds=range(800, 820),
           settings=dict(rates=[1e-3, 4e-3], n_steps=6000, every=100, n_points=2000, decay=0.99), at_a_time=10,
           piece=100)
def line_past_equilibrium(seeds, rates, n_steps, every, n_points, decay, stop_after=None):
    """GANs on three heaps on a line (minimax loss, width 32, batch 128) at two learning rates, looked at every 100
    steps."""
    return past_equilibrium(distributions.mixture_1d(), 1, seeds, rates, n_steps, every, n_points, decay, stop_after)


@recording("ring_heaps_held", seeds=range(800, 832),
           settings=dict(n_steps=3000, every=150, fast=4e-3, slow=4e-4, sd=0.15), at_a_time=16, piece=150)
def ring_heaps_held(seeds, n_steps, every, fast, slow, sd, stop_after=None):
    """GANs on a ring of eight heaps (minimax loss, width 32, batch 128) whose judge has a head start, in seven
    settings."""
    ring = distributions.ring(sd=sd)
    unequal = dict(lr_generator=fast, lr_discriminator=slow)
    settings = [  # in the order of the lesson's table: how a pair is made, how it is trained
        ({}, unequal),
        ({}, dict(lr_generator=fast, lr_discriminator=fast)),
        ({}, dict(lr_generator=slow, lr_discriminator=slow)),
        (dict(noise_dim=16), dict(**unequal, noise_dim=16)),
        ({}, dict(**unequal, penalty=0.3, penalty_at="real")),
        (dict(features=3, kind=SeesTheSpread), unequal),
        (dict(features=4, kind=SeesANeighbour), unequal),
    ]
    shares, quality, w1 = [], [], []
    for of_pair, of_training in settings:
        runs = train_many(partial(prepared_pair, target=ring, **of_pair), seeds, ring, n_steps=stop_after or n_steps,
                          every=every, n_shown=500, n_arrows=0, **of_training)
        x_real = ring.sample(500, torch.Generator().manual_seed(10**6))  # fresh: no training saw them
        in_setting = [[measured(one.x_fake, x_real, ring, one.step % (5 * every) == 0) for one in snapshots]
                      for snapshots in runs]
        for whole, part in zip((shares, quality, w1), range(3)):
            whole.append([[member[part] for member in look] for look in in_setting])
    # (setting, look, seed, ...) becomes (seed, look, setting, ...)
    return {"shares": np.array(shares, dtype=np.float16).transpose(2, 1, 0, 3),
            "quality": np.array(quality, dtype=np.float16).transpose(2, 1, 0),
            "w1": np.array(w1, dtype=np.float16).transpose(2, 1, 0)}


def measured(x_fake, x_real, target, with_w1):
    """(share of the points nearest to each mode, share of high quality, W1 to fresh points or nan)."""
    distance, nearest = torch.cdist(x_fake, target.modes).min(dim=1)
    shares = nearest.bincount(minlength=len(target.modes)) / len(x_fake)
    quality = (distance <= 3 * target.sd).float().mean().item()
    return shares.tolist(), quality, distances.wasserstein1(x_fake, x_real) if with_w1 else np.nan
