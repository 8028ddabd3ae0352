"""Fog that lifts: a member of the stack is the plain single run, written out here once more; and bad input is refused."""

import math

import pytest
import torch
import torch.nn.functional as F

from helpers import distributions
from helpers.distances import mmd2
from helpers.fog import Stacked, fog_steps, mmd2_of_each, noise_of_each
from helpers.networks import averaged, judge, mlp

RING, LINE = distributions.ring(radius=1.0, sd=0.01), distributions.mixture_1d()
SEEDS = [3, 4, 5]


def seeded(seed):
    return torch.Generator().manual_seed(seed)


def pair(rng, dim=2, width=8):
    return mlp((dim, width, width, dim), rng), judge((dim, width, width, 1), rng)


def stacked(seeds, decay=0.999, **sizes):
    """Stacks of generators and judges, the generators' average, and the rngs that drew them."""
    rngs = [seeded(seed) for seed in seeds]
    generators, judges = map(Stacked, zip(*(pair(rng, **sizes) for rng in rngs)))
    return generators, judges, averaged(generators, decay), rngs


def single(seed, n_steps, stop, batch_size, unit, matching, lr=(1.5e-3, 3e-3), thick=0.3, thin=0.03, lifted=0.4,
           falling=0.2):
    """The recipe for one pair of ordinary networks, by torch's Adam and schedulers: losses (stop, 2), average, pair."""
    rng = seeded(seed)
    generator, discriminator = pair(rng)
    adam_g, adam_d = (torch.optim.Adam(x.parameters(), lr=own, betas=(0.5, 0.9))
                      for x, own in zip((generator, discriminator), lr))
    flat, losses = falling * n_steps, []
    schedules = [torch.optim.lr_scheduler.LambdaLR(
        adam, lambda t: 1.0 if t < flat else 1 - (t - flat) / (n_steps - flat)) for adam in (adam_g, adam_d)]
    mean = [p.detach().clone() for p in generator.parameters()]
    for t in range(stop):
        x = RING.sample(batch_size, rng) / unit
        z = math.sqrt(3) * (2 * torch.rand(batch_size, 2, generator=rng) - 1)
        noise_x, noise_y = torch.randn(2, batch_size, 2, generator=rng)
        sd = math.exp(math.log(thick) + math.log(thin / thick) * t / (lifted * n_steps)) if t < lifted * n_steps else 0
        clear, x, noise_y = x, x + sd * noise_x, sd * noise_y
        ones = torch.ones(batch_size)
        with torch.no_grad():
            y = generator(z) + noise_y
        loss_d = F.binary_cross_entropy_with_logits(discriminator(x) - discriminator(y), ones)
        adam_d.zero_grad()
        loss_d.backward()
        adam_d.step()
        loss_g = F.binary_cross_entropy_with_logits(discriminator(generator(z) + noise_y) - discriminator(x), ones)
        adam_g.zero_grad()
        (loss_g + matching * mmd2(generator(z), clear, 0.5)).backward()
        adam_g.step()
        for schedule in schedules:
            schedule.step()
        new = [p.detach() for p in generator.parameters()]
        mean = [p.clone() if t == 0 else 0.999 * m + 0.001 * p for m, p in zip(mean, new)]
        losses.append((loss_d.item(), loss_g.item()))
    return torch.tensor(losses), mean, (generator, discriminator)


@pytest.mark.parametrize("n_steps, stop, matching", [(12, 12, 10.0), (12, 12, 0.0), (40, 8, 10.0)])  # whole, and stopped
def test_a_member_is_the_single_run(n_steps, stop, matching):
    generators, judges, average, rngs = stacked(SEEDS)
    steps = fog_steps(generators, judges, average, RING, rngs, n_steps, unit=0.7, batch_size=20, matching=matching)
    losses = torch.stack([losses for _, losses in zip(range(stop), steps)], dim=1)
    assert losses.shape == (len(SEEDS), stop, 2) and not losses.requires_grad
    z = torch.randn(len(SEEDS), 50, 2, generator=seeded(0))
    for i, seed in enumerate(SEEDS):
        expected, mean, (generator, discriminator) = single(seed, n_steps, stop, 20, 0.7, matching)
        torch.testing.assert_close(losses[i], expected, rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(generators(z)[i], generator(z[i]), rtol=1e-4, atol=1e-4)
        torch.testing.assert_close(judges(z)[i], discriminator(z[i]), rtol=1e-4, atol=1e-4)
        with torch.no_grad():
            for parameter, value in zip(generator.parameters(), mean):
                parameter.copy_(value)
        torch.testing.assert_close(average(z)[i], generator(z[i]), rtol=1e-4, atol=1e-4)


def test_members_do_not_see_each_other():
    alone, together = stacked(SEEDS[1:2]), stacked(SEEDS)
    for players in (alone, together):
        *_, losses = fog_steps(*players[:3], RING, players[3], n_steps=6, batch_size=20)
        players[0].last = losses
    torch.testing.assert_close(alone[0].last[0], together[0].last[1], rtol=1e-4, atol=1e-5)


def test_noise_has_standard_deviation_1_and_is_each_members_own():
    noise = noise_of_each([seeded(1), seeded(2)], 20_000, 3)
    assert noise.shape == (2, 20_000, 3) and noise.abs().max() <= math.sqrt(3)
    torch.testing.assert_close(noise.std(dim=1), torch.ones(2, 3), atol=0.02, rtol=0)
    torch.testing.assert_close(noise.mean(dim=1), torch.zeros(2, 3), atol=0.03, rtol=0)
    assert torch.equal(noise[1], noise_of_each([seeded(2)], 20_000, 3)[0]) and not torch.equal(noise[0], noise[1])


def test_mmd_of_each_is_mmd2_up_to_what_does_not_depend_on_x():
    y, a, b = (torch.randn(2, 30, 2, generator=seeded(i)) for i in range(3))
    expected = [mmd2(a[i], y[i], 0.5) - mmd2(b[i], y[i], 0.5) for i in range(2)]
    difference = mmd2_of_each(a, y, 0.5) - mmd2_of_each(b, y, 0.5)
    torch.testing.assert_close(difference, torch.stack(expected), rtol=1e-4, atol=1e-5)


def test_it_learns_and_on_a_line_too():
    generators, judges, average, rngs = stacked([0, 1], decay=0.98, dim=1, width=32)
    for _ in fog_steps(generators, judges, average, LINE, rngs, n_steps=800, unit=2.0, batch_size=64):
        pass
    for points in 2.0 * average(noise_of_each(rngs, 2000, 1)):
        shares = [((points - mean).abs() < 1).double().mean().item() for mean in LINE.modes[:, 0]]
        assert all(share > 0.2 for share in shares), f"a heap was lost: {shares}"
        assert sum(shares) > 0.9  # 0.968 of the target


def test_a_member_that_diverges_stops_the_training():
    generators, judges, average, rngs = stacked(SEEDS)
    with torch.no_grad():
        generators.biases[0][1] = torch.inf
    with pytest.raises(FloatingPointError, match="no longer finite"):
        next(fog_steps(generators, judges, average, RING, rngs, n_steps=5))


def test_only_networks_that_are_alike_are_stacked():
    rng = seeded(0)
    for networks in ([mlp((2, 8, 2), rng), mlp((2, 9, 2), rng)], [mlp((2, 8, 1), rng), judge((2, 8, 1), rng)], [],
                     [torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.BatchNorm1d(2))] * 2):
        with pytest.raises(ValueError, match="built alike"):
            Stacked(networks)


@pytest.mark.parametrize("wrong, error, message", [
    (dict(n_steps=0), ValueError, "n_steps must be a whole number of at least 1"),
    (dict(batch_size=1), ValueError, "batch_size must be"),
    (dict(lr_judge=-1.0), ValueError, "lr_judge, the learning rate"),
    (dict(unit=0.0), ValueError, "unit and bandwidth are lengths"),
    (dict(bandwidth=-1.0), ValueError, "unit and bandwidth are lengths"),
    (dict(thin=0.5), ValueError, "fog must lift"),
    (dict(lifted=1.0), ValueError, "shares of all steps"),
    (dict(falling=-0.1), ValueError, "shares of all steps"),
    (dict(matching=-1.0), ValueError, "matching, the weight of the MMD"),
    (dict(rngs=[seeded(0)]), ValueError, "3 generators, but 1 rngs"),
    (dict(target=LINE), ValueError, "the generators take 2 numbers, but must take 1"),
    (dict(judges=judge((2, 8, 1), seeded(0))), TypeError, "judges must be Stacked networks"),
])
def test_what_does_not_fit_is_refused(wrong, error, message):
    generators, judges, average, rngs = stacked(SEEDS)
    arguments = dict(generators=generators, judges=judges, average=average, target=RING, rngs=rngs, n_steps=5) | wrong
    with pytest.raises(error, match=message):
        next(fog_steps(**arguments))
