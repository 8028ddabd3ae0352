"""Training two networks: who moves when, that nobody else does, and the promises of every run."""

import math
import signal

import numpy as np
import pytest
import torch
from torch import nn

from helpers import distances, distributions, training
from helpers.losses import Minimax, gradient_penalty, minimax, modified_minimax, wasserstein
from helpers.networks import averaged, judge, mlp
from helpers.sampling import uniform_noise
from helpers.training import critic_step, discriminator_step, frozen, gan_steps, generator_step, train_gan

MOONS = distributions.two_moons()
SETTINGS = dict(loss=minimax, noise_dim=2, batch_size=16, lr_generator=1e-2, lr_discriminator=2e-2)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def fresh():
    rng = seeded()
    return mlp((2, 8, 2), rng), judge((2, 8, 1), rng), rng


def state(*networks):
    return [x.detach().clone() for network in networks for x in network.state_dict().values()]


def equal(first, second):
    return all(torch.equal(a, b) for a, b in zip(first, second, strict=True))


def plain(n_steps, discriminator_steps=1):
    generator, discriminator, rng = fresh()
    steps = gan_steps(generator, discriminator, MOONS, rng, **SETTINGS, discriminator_steps=discriminator_steps)
    losses = [next(steps) for _ in range(n_steps)]
    return state(generator, discriminator), losses


def started(target=MOONS, n_steps=20, every=5, **options):
    generator, discriminator, rng = fresh()
    run = train_gan(generator, discriminator, target, rng, n_steps=n_steps, every=every, n_shown=30, n_arrows=7, **SETTINGS | options)
    return generator, discriminator, run


# one step of one player

def a_step(player, loss=minimax):
    generator, discriminator, rng = fresh()
    x_real, z = MOONS.sample(16, rng), 2 * uniform_noise(16, 2, rng) - 1
    mover = discriminator if player is discriminator_step else generator
    optimizer = torch.optim.Adam(mover.parameters(), lr=1e-2)
    before = state(generator), state(discriminator)
    batch = (x_real, z) if player is discriminator_step else (z,)
    said = player(generator, discriminator, optimizer, *batch, loss)
    return said, before, generator, discriminator, x_real, z


@pytest.mark.parametrize("loss", [minimax, modified_minimax], ids=lambda loss: loss.name)
def test_the_generator_is_bit_equal_after_the_discriminators_step(loss):
    _, before, generator, discriminator, *_ = a_step(discriminator_step, loss)
    assert equal(state(generator), before[0]) and not equal(state(discriminator), before[1])
    assert all(p.grad is None for p in generator.parameters())


@pytest.mark.parametrize("loss", [minimax, modified_minimax], ids=lambda loss: loss.name)
def test_the_discriminator_is_bit_equal_after_the_generators_step(loss):
    _, before, generator, discriminator, *_ = a_step(generator_step, loss)
    assert equal(state(discriminator), before[1]) and not equal(state(generator), before[0])
    assert all(p.grad is None for p in discriminator.parameters())
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in generator.parameters())
    assert all(p.requires_grad for p in discriminator.parameters())


def test_a_step_returns_the_loss_before_it():
    said, _, generator, discriminator, x_real, z = a_step(discriminator_step)
    generator, discriminator, _ = fresh()
    with torch.no_grad():
        assert said == minimax.judge(discriminator(x_real), discriminator(generator(z))).item()
    said, *_ = a_step(generator_step)
    assert math.isclose(said, minimax.generator(discriminator(generator(z))).item(), rel_tol=1e-6)


def test_frozen_gives_back_what_was_learning_also_after_an_error():
    network = judge((2, 4, 4, 1), seeded())
    network[0].requires_grad_(False)  # a learner froze one layer for good
    before = [p.requires_grad for p in network.parameters()]
    with pytest.raises(ZeroDivisionError), frozen(network):
        assert not any(p.requires_grad for p in network.parameters())
        x = torch.zeros(3, 2, requires_grad=True)
        assert torch.autograd.grad(network(x).sum(), x)[0].abs().sum() > 0, "gradients flow through it"
        raise ZeroDivisionError
    assert [p.requires_grad for p in network.parameters()] == before


# the loop

@pytest.mark.parametrize("discriminator_steps", [1, 3])
def test_the_loop_alternates_k_steps_with_one(monkeypatch, discriminator_steps):
    order = []
    for name in ("discriminator_step", "generator_step"):
        real = getattr(training, name)
        monkeypatch.setattr(training, name, lambda *a, real=real, name=name: order.append(name[0]) or real(*a))
    plain(2, discriminator_steps)
    assert "".join(order) == 2 * ("d" * discriminator_steps + "g")


def test_the_loop_is_the_same_as_written_out():
    generator, discriminator, rng = fresh()
    optimizers = [torch.optim.Adam(network.parameters(), lr=lr, betas=(0.5, 0.9))
                  for network, lr in ((discriminator, 2e-2), (generator, 1e-2))]
    losses = []
    for _ in range(6):
        x_real, z = MOONS.sample(16, rng), 2 * uniform_noise(16, 2, rng) - 1
        d_real, d_fake = torch.sigmoid(discriminator(x_real)), torch.sigmoid(discriminator(generator(z).detach()))
        loss_d = -(d_real.log().mean() + (1 - d_fake).log().mean())
        optimizers[0].zero_grad()
        loss_d.backward()
        optimizers[0].step()
        z = 2 * uniform_noise(16, 2, rng) - 1
        loss_g = (1 - torch.sigmoid(discriminator(generator(z)))).log().mean()
        optimizers[1].zero_grad()
        loss_g.backward()
        optimizers[1].step()
        losses.append((loss_d.item(), loss_g.item()))
    after, expected = plain(6)
    assert np.allclose(losses, expected, rtol=1e-4)
    assert all(torch.allclose(a, b, atol=1e-4) for a, b in zip(state(generator, discriminator), after))


# snapshots

def test_snapshots_have_both_losses_and_the_field():
    _, discriminator, run = started()
    for snapshot in run:
        assert snapshot.losses.shape == snapshot.judge_losses.shape == (snapshot.step,)
        assert snapshot.field.shape == (training.FIELD, training.FIELD) and snapshot.field_is_probability
        assert snapshot.push.shape == (7, 2) and snapshot.x_fake.shape == (30, 2)
        assert snapshot.grid.shape == (2, *training.GRID, 2)
    assert np.allclose(np.stack([snapshot.judge_losses, snapshot.losses], axis=1), run.losses)
    (left, right), (bottom, top) = MOONS.limits
    for row, column, place in ((0, 0, (left, bottom)), (0, -1, (right, bottom)), (-1, 0, (left, top))):
        said = torch.sigmoid(discriminator(torch.tensor([place]))).item()
        assert math.isclose(snapshot.field[row, column], said, rel_tol=1e-5)


def test_the_push_is_minus_the_gradient_of_the_generators_loss():
    _, discriminator, run = started(loss=modified_minimax)
    snapshot = next(run)
    x = snapshot.x_fake.clone().requires_grad_()
    slope, = torch.autograd.grad(modified_minimax.generator(discriminator(x)), x)
    assert torch.allclose(snapshot.push, -30 * slope[:7], atol=1e-6)
    assert all(p.grad is None for p in discriminator.parameters())


def test_points_on_a_line_and_in_space():
    for dim, field in ((1, (training.FIELD,)), (3, None)):
        target = distributions.mixture_1d() if dim == 1 else distributions.from_points(torch.randn(50, 3))
        run = train_gan(mlp((dim, 8, dim), seeded()), judge((dim, 8, 1), seeded()), target, seeded(), noise_dim=dim, n_steps=2, every=1)
        for snapshot in run:
            assert snapshot.grid is None and (snapshot.field is None if field is None else snapshot.field.shape == field)


class Grade(Minimax):
    """A learner's own loss whose scores are no probabilities."""

    is_probability = False

    def judge(self, scores_real, scores_fake):
        return scores_fake.mean() - scores_real.mean() + (scores_real**2).mean()

    def generator(self, scores_fake):
        return -scores_fake.mean()


def test_a_loss_of_ones_own_and_a_critics_field():
    _, discriminator, run = started(loss=Grade())
    snapshot = list(run)[-1]
    assert not snapshot.field_is_probability
    (left, _), (bottom, _) = MOONS.limits
    assert math.isclose(snapshot.field[0, 0], discriminator(torch.tensor([[left, bottom]])).item(), rel_tol=1e-5)


# the promises of every run

@pytest.mark.parametrize("every, options", [(1, {}), (7, {}), (40, {}), (5, dict(n_arrows=0, n_shown=2))])
def test_looking_never_changes_the_run(every, options):
    generator, discriminator, rng = fresh()
    run = train_gan(generator, discriminator, MOONS, rng, n_steps=20, every=every, **SETTINGS | options)
    for _ in run:
        torch.rand(3)
    expected, losses = plain(20)
    assert equal(state(generator, discriminator), expected) and run.losses == losses


def test_looking_leaves_batch_norm_and_dropout_alone():
    rng = seeded()
    discriminator = nn.Sequential(nn.Linear(2, 8), nn.BatchNorm1d(8), nn.Dropout(0.5), nn.Linear(8, 1), nn.Flatten(0))
    run = train_gan(mlp((2, 8, 2), rng), discriminator, MOONS, rng, n_steps=2, every=1)
    before, statistics = torch.get_rng_state(), discriminator[1].running_mean.clone()
    next(run)
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(discriminator[1].running_mean, statistics) and discriminator.training


class InterruptAt:
    """A target that presses Ctrl-C while a certain batch is drawn."""

    def __init__(self, at):
        self.left, self.dim, self.limits = at, MOONS.dim, MOONS.limits

    def sample(self, n, rng):
        self.left -= n == SETTINGS["batch_size"]
        if self.left == 0:
            signal.raise_signal(signal.SIGINT)
        return MOONS.sample(n, rng)


def test_an_interrupt_leaves_both_networks_usable_and_the_run_goes_on():
    generator, discriminator, run = started(InterruptAt(at=8))
    with pytest.raises(KeyboardInterrupt, match=r"interrupted after step 8; the next next\(\) goes on"):
        list(run)
    assert run.step == 8 and equal(state(generator, discriminator), plain(8)[0])
    assert [snapshot.step for snapshot in run] == [10, 15, 20]
    assert equal(state(generator, discriminator), plain(20)[0]) and run.losses == plain(20)[1]


def test_an_error_between_the_two_steps_undoes_both(monkeypatch):
    generator, discriminator, run = started()
    next(run), next(run)
    expected = plain(5)[0]

    def fails(*_):
        raise ZeroDivisionError

    with monkeypatch.context() as patch:
        patch.setattr(training, "generator_step", fails)
        with pytest.raises(ZeroDivisionError):
            next(run)
    assert equal(state(generator, discriminator), expected), "the discriminator's half of the step is undone too"
    list(run)
    assert equal(state(generator, discriminator), plain(20)[0]) and run.losses == plain(20)[1]


def test_divergence_names_the_step_and_leaves_the_networks():
    generator, discriminator, rng = fresh()
    run = train_gan(generator, discriminator, MOONS, rng, n_steps=50, every=50, **SETTINGS | dict(lr_generator=1e25, lr_discriminator=1e25))
    with pytest.raises(FloatingPointError, match=r"Training stopped at step \d+: .* no longer .*finite.*fewer discriminator steps"):
        list(run)
    assert all(x.isfinite().all() for x in state(generator, discriminator))


def test_the_discriminator_wins_early():
    """Claim of lesson 7: accuracy over .95 within tens of steps, on the ring with separate supports."""
    ring = distributions.ring()
    for seed in range(3):
        rng = seeded(seed)
        generator, discriminator = mlp((2, 64, 64, 2), rng), judge((2, 64, 64, 1), rng)
        run = train_gan(generator, discriminator, ring, rng, n_steps=100, every=10, lr_generator=1e-3, lr_discriminator=1e-3)
        best = 0.0
        for snapshot in run:
            with torch.no_grad():
                right = (discriminator(snapshot.x_real) > 0).float().mean() + (discriminator(snapshot.x_fake) < 0).float().mean()
            best = max(best, right.item() / 2)
        assert best > 0.95


def test_it_learns():
    line, rng = distributions.mixture_1d(), seeded(100)
    run = train_gan(mlp((1, 32, 32, 1), rng), judge((1, 32, 32, 1), rng), line, rng, noise_dim=1, n_steps=600, every=600,
                    batch_size=64, lr_generator=3e-3, lr_discriminator=3e-3, n_shown=500)
    first, last = (distances.wasserstein1(snapshot.x_fake, snapshot.x_real) for snapshot in run)
    assert last < first / 2


@pytest.mark.parametrize("options, error, sentence", [
    (dict(discriminator_steps=0), ValueError, "discriminator_steps must be a whole number of at least 1, but is 0"),
    (dict(lr_discriminator=-1), ValueError, "lr_discriminator, the learning rate, must be a positive number"),
    (dict(lr_generator="fast"), ValueError, "lr_generator, the learning rate"),
    (dict(noise_dim=3), ValueError, r"the generator does not take noise of shape \(n, 3\)"),
    (dict(loss="minimax"), TypeError, "'minimax' has no method judge"),
    (dict(discriminator=mlp((2, 8, 1), seeded())), ValueError, r"of shape \(n,\); for 3 points it returns \(3, 1\). End it with nn.Flatten\(0\)"),
    (dict(discriminator=judge((3, 8, 1), seeded())), ValueError, r"does not take points of shape \(n, 2\)"),
    (dict(discriminator=torch.sigmoid), TypeError, "discriminator must be a torch.nn.Module"),
    (dict(discriminator=nn.Flatten(0)), ValueError, "the discriminator has no parameters to train"),
    (dict(generator=mlp((2, 8, 3), seeded())), ValueError, "the target's have 2 numbers each"),
])
def test_bad_arguments_are_refused_at_once(options, error, sentence):
    generator, discriminator, rng = fresh()
    arguments = dict(generator=generator, discriminator=discriminator, target=MOONS, rng=rng) | options
    with pytest.raises(error, match=sentence):
        train_gan(**arguments)


# restraint and averaging

def a_critics_step(**restraint):
    generator, critic, rng = fresh()
    x_real, z = MOONS.sample(16, rng), 2 * uniform_noise(16, 2, rng) - 1
    before = state(generator), state(critic)
    said = critic_step(generator, critic, torch.optim.SGD(critic.parameters(), lr=0.1), x_real, z, wasserstein, rng, **restraint)
    return said, before, generator, critic, x_real, z


def test_the_critics_step_returns_the_gap_without_the_penalty_and_moves_down_both():
    said, before, generator, critic, x_real, z = a_critics_step(penalty=3.0)
    reference_generator, reference, rng = fresh()
    MOONS.sample(16, rng), uniform_noise(16, 2, rng)
    x_fake = reference_generator(z).detach()
    gap = wasserstein.judge(reference(x_real), reference(x_fake))
    assert math.isclose(said, gap.item(), rel_tol=1e-6) and equal(state(generator), before[0])
    total = gap + 3.0 * gradient_penalty(reference, x_real, x_fake, rng)
    for weights, slope in zip(reference.parameters(), torch.autograd.grad(total, list(reference.parameters()), allow_unused=True)):
        if slope is not None:
            weights.data -= 0.1 * slope
    assert all(torch.allclose(a, b, atol=1e-6) for a, b in zip(state(critic), state(reference)))


def test_clipping_comes_after_the_step():
    *_, critic, _, _ = a_critics_step(clip=0.05)
    *_, free, _, _ = a_critics_step()
    assert all(torch.equal(a, b.clamp(-0.05, 0.05)) for a, b in zip(state(critic), state(free)))
    assert any((b.abs() > 0.05).any() for b in state(free))


def test_a_restraint_of_nothing_is_the_loop_of_lesson_7():
    generator, critic, rng = fresh()
    steps = training.restrained_steps(generator, critic, MOONS, rng, minimax, 2, 16, 1e-2, 2e-2, 2, None, 0.0, "between")
    losses = [next(steps) for _ in range(5)]
    assert equal(state(generator, critic), plain(5, 2)[0]) and losses == plain(5, 2)[1]


@pytest.mark.parametrize("restraint", [dict(clip=0.1), dict(penalty=1.0), dict(penalty=0.5, penalty_at="real"), dict(clip=0.3, penalty=0.1)], ids=str)
def test_restrained_runs(restraint):
    generator, critic, run = started(loss=wasserstein, discriminator_steps=2, **restraint)
    before = state(generator, critic)
    snapshot = list(run)[-1]
    assert not equal(state(generator, critic), before) and not snapshot.field_is_probability
    if "clip" in restraint:
        assert all(x.abs().max() <= restraint["clip"] for x in state(critic))
    reference_generator, reference, rng = fresh()
    at = restraint.get("penalty_at", "between")
    steps = training.restrained_steps(reference_generator, reference, MOONS, rng, wasserstein, 2, 16, 1e-2, 2e-2, 2, restraint.get("clip"), restraint.get("penalty", 0.0), at)
    assert [next(steps) for _ in range(20)] == run.losses
    assert equal(state(generator, critic), state(reference_generator, reference))


def test_averaging_is_looked_at_and_changes_nothing():
    generator, critic, run = started(averaging=0.9)
    reference, reference_critic, rng = fresh()
    average = averaged(reference, 0.9)
    steps = gan_steps(reference, reference_critic, MOONS, rng, **SETTINGS, discriminator_steps=1)
    next(run)
    for snapshot in run:
        for _ in range(5):
            next(steps)
            average.update_parameters(reference)
        assert torch.allclose(snapshot.x_average, average(snapshot.z_fixed), atol=1e-6)
        assert torch.allclose(snapshot.x_fake, reference(snapshot.z_fixed), atol=1e-6)
    assert equal(state(generator, critic), plain(20)[0])
    assert (snapshot.x_average - snapshot.x_fake).abs().max() > 1e-3
    assert next(started()[2]).x_average is None


def test_an_undone_step_is_undone_in_the_average_too(monkeypatch):
    _, _, run = started(averaging=0.5)
    next(run), next(run)
    kept, real = state(run.average), training._check_loss

    def fails(loss):
        raise ZeroDivisionError

    monkeypatch.setattr(training, "_check_loss", fails)
    with pytest.raises(ZeroDivisionError):
        next(run)
    monkeypatch.setattr(training, "_check_loss", real)
    assert equal(state(run.average), kept)
    assert torch.equal(list(run)[-1].x_average, list(started(averaging=0.5)[2])[-1].x_average)


@pytest.mark.parametrize("wrong, sentence", [
    (dict(clip=0), "clip, the bound of the critic's weights, must be a positive number, but is 0"),
    (dict(penalty=-1), "penalty, its weight, must be a number of at least 0, but is -1"),
    (dict(penalty="much"), "must be a number of at least 0, but is 'much'"),
    (dict(penalty_at="fake"), "but not at 'fake'"),
    (dict(averaging=1.0), "decay of an average must lie between 0 and 1"),
])
def test_restraints_that_make_no_sense_are_refused_at_once(wrong, sentence):
    with pytest.raises(ValueError, match=sentence):
        started(**wrong)
