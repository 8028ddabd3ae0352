"""Many trainings at once: each member is the single run, whoever is trained beside it."""

import contextlib
import functools
import signal

import numpy as np
import pytest
import torch
from torch import nn

from helpers import distributions, training, widgets
from helpers.ensemble import train_many
from helpers.losses import minimax, modified_minimax, wasserstein
from helpers.networks import judge, mlp
from helpers.training import train_gan

RING, MOONS, LINE = distributions.ring(), distributions.two_moons(), distributions.mixture_1d()
SETTINGS = dict(n_steps=12, batch_size=20, every=5, n_shown=30, n_arrows=7, lr_generator=2e-3, lr_discriminator=3e-3)
SEEDS = [11, 12, 13]


def make(rng, width=8, dim=2):
    return mlp((dim, width, width, dim), rng), judge((dim, width, width, 1), rng)


def single(i, make=make, seeds=SEEDS, target=RING, **options):
    """The single run of member i."""
    own = {name: value[i] if isinstance(value, list) else value for name, value in (SETTINGS | options).items()}
    rng = torch.Generator().manual_seed(seeds[i])
    return train_gan(*make(rng), target[i] if isinstance(target, list) else target, rng, **own)


def many(make=make, seeds=SEEDS, target=RING, **options):
    return train_many(make, seeds, target, **SETTINGS | options)


def assert_same(film, other, atol=1e-5):
    """Both films show the same, in everything that a snapshot has."""
    for one, two in zip(film, other, strict=True):
        for name, value in vars(two).items():
            if isinstance(value, torch.Tensor | np.ndarray):
                mine = getattr(one, name)
                assert type(mine) is type(value) and mine.shape == value.shape, name
                assert np.allclose(mine, value, rtol=1e-4, atol=atol), (name, one.step)
            else:
                assert getattr(one, name) == value, name


def assert_members_are_single_runs(**options):
    runs = many(**options)
    films = list(zip(*runs))
    assert len(films) == len(options.get("seeds", SEEDS))
    for i, film in enumerate(films):
        run = single(i, **options)
        assert_same(film, list(run))
        for mine, other in zip((runs.generators[i], runs.discriminators[i]), run.networks):
            assert all(torch.allclose(a, b, rtol=1e-4, atol=1e-5) for a, b in zip(mine.state_dict().values(), other.state_dict().values(), strict=True))
        assert np.allclose(runs.losses[i], run.losses, rtol=1e-4, atol=1e-5)
    return runs


# member i is the single run i

class Hinge:
    """A learner's own loss."""

    def judge(self, scores_real, scores_fake):
        return (1 - scores_real).relu().mean() + (1 + scores_fake).relu().mean()

    def generator(self, scores_fake):
        return -scores_fake.mean()


class Undecided(Hinge):
    """One that looks at the numbers, which vmap refuses."""

    def generator(self, scores_fake):
        return -scores_fake.mean() if scores_fake.mean() > 0 else -scores_fake.median()


def words(options):
    return " ".join(f"{name}={type(value).__name__ if name == 'loss' else value}" for name, value in options.items())


@pytest.mark.parametrize("options", [
    dict(loss=minimax),
    dict(loss=modified_minimax, averaging=0.8),
    dict(loss=minimax, discriminator_steps=3),
    dict(loss=wasserstein, clip=0.1, discriminator_steps=2),
    dict(loss=wasserstein, penalty=2.0, averaging=0.9),
    dict(loss=wasserstein, penalty=0.5, clip=0.3, discriminator_steps=2),
    dict(loss=modified_minimax, penalty=0.5, penalty_at="real"),
    dict(loss=Hinge()),
    dict(loss=Undecided()),
    dict(n_arrows=0, every=50),
], ids=words)
def test_a_member_is_the_single_run(options):
    assert_members_are_single_runs(**options)


def test_other_numbers_of_dimensions():
    assert_members_are_single_runs(make=functools.partial(make, dim=1), target=LINE, noise_dim=1, loss=modified_minimax, penalty=1.0)
    space = distributions.from_points(torch.eye(3), sd=0.1)
    assert_members_are_single_runs(make=functools.partial(make, dim=3), target=space, noise_dim=3)


def test_mixed_settings_in_one_call():
    runs = assert_members_are_single_runs(
        seeds=[5, 6, 7, 5, 9, 10, 11],
        loss=[minimax, wasserstein, wasserstein, minimax, wasserstein, minimax, wasserstein],
        target=[RING, MOONS, RING, MOONS, RING, RING, MOONS],
        lr_generator=[1e-3, 5e-3, 1e-4, 1e-3, 3e-3, 2e-2, 1e-3],
        lr_discriminator=[1e-3, 1e-3, 2e-3, 5e-3, 3e-3, 1e-3, 1e-3],
        discriminator_steps=[1, 2, 2, 1, 1, 1, 2],
        clip=[None, 0.1, 0.02, 0.5, None, None, None],
        penalty=[0, 0, 0, 0.0, 10.0, 1, 0])
    assert [group.numbers.tolist() for group in runs.groups] == [[0, 3], [1, 2, 6], [4], [5]]


def normed(rng):
    """Networks with buffers, a frozen layer, and a module of the learner's own: only vmap can stack them."""
    class Bent(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner, self.bend = mlp((8, 8), rng), nn.Parameter(torch.rand(1, generator=rng))

        def forward(self, x):
            return x + self.bend * torch.sin(self.inner(x))

    first = nn.utils.skip_init(nn.Linear, 2, 8, bias=False)
    nn.init.uniform_(first.weight, -0.7, 0.7, generator=rng)
    generator = nn.Sequential(first, nn.BatchNorm1d(8), nn.ReLU(), Bent(), mlp((8, 2), rng))
    discriminator = judge((2, 8, 8, 1), rng)
    discriminator[0].requires_grad_(False)
    return generator, discriminator


@pytest.mark.parametrize("options", [dict(averaging=0.9), dict(loss=wasserstein, penalty=1.0)], ids=words)
def test_networks_of_another_kind(options):
    runs = assert_members_are_single_runs(make=normed, **options)
    assert runs.groups[0].generator.layers is None and runs.groups[0].discriminator.layers is None


def test_layers_are_taken_for_what_they_are():
    def nested(rng, between=nn.Tanh):
        act = between()  # one module at two places
        return (nn.Sequential(mlp((2, 8), rng), nn.Sequential(act, mlp((8, 8), rng), act), mlp((8, 2), rng)),
                nn.Sequential(mlp((2, 8, 1), rng, nn.SiLU), nn.Flatten(0)))

    runs = assert_members_are_single_runs(make=nested)
    assert runs.groups[0].generator.layers is None and len(runs.groups[0].discriminator.layers) == 4


def test_a_member_does_not_depend_on_the_others():
    films = list(zip(*many(averaging=0.9)))
    alone, = zip(*many(seeds=[12], averaging=0.9))
    turned = list(zip(*many(seeds=[14, 13, 12, 11], loss=[modified_minimax, minimax, minimax, minimax], averaging=0.9)))
    assert_same(alone, films[1], atol=1e-6)
    assert_same(turned[2], films[1], atol=1e-6)


# what it gives

def test_it_gives_lists_of_snapshots_and_shows_its_state():
    runs = many(averaging=0.9)
    assert len(runs) == 4 and runs.step == 0 and runs.losses.shape == (3, 0, 2)
    first = next(runs)
    assert [snapshot.step for snapshot in first] == [0, 0, 0]
    rest = list(runs)
    assert [[snapshot.step for snapshot in snapshots] for snapshots in rest] == [[5] * 3, [10] * 3, [12] * 3]
    assert runs.step == 12 and runs.losses.shape == (3, 12, 2) and runs.losses.isfinite().all() and runs.diverged == {}
    for i, snapshot in enumerate(rest[-1]):
        with torch.no_grad():
            assert torch.allclose(snapshot.x_fake, runs.generators[i](snapshot.z_fixed), atol=1e-6)
            assert torch.allclose(snapshot.x_average, runs.averages[i](snapshot.z_fixed), atol=1e-6)
        assert runs.averages[i].n_averaged == 12
        assert torch.equal(snapshot.judge_losses, runs.losses[i, :, 0]) and torch.equal(snapshot.losses, runs.losses[i, :, 1])
    assert not torch.equal(first[0].x_fake, rest[0][0].x_fake), "an earlier snapshot is not touched by later steps"
    assert many().averages is None
    with pytest.raises(StopIteration):
        next(runs)


def test_looking_never_changes_the_run():
    often, seldom = many(every=1), many(every=50)
    list(often), list(seldom)
    assert torch.equal(often.losses, seldom.losses)


def test_whoever_changes_a_members_weights_changes_its_training():
    runs, other = many(), single(1)
    next(runs), next(other)
    for generator in (runs.generators[1], other.networks[0]):
        with torch.no_grad():
            generator[-1].bias += 1.0
    assert_same([snapshots[1] for snapshots in runs], list(other))


def test_a_members_film_can_be_played():
    films = list(zip(*many()))
    with contextlib.redirect_stdout(None):
        widgets.player(films[2], layers=("real", "generated", "field", "loss"))


def test_every_tensor_is_made_on_the_networks_device():
    """Where none is named, tensors would be made on the device meta, and could meet no other."""
    options = dict(averaging=0.9, penalty=[0, 1.0, 1.0], clip=[0.1, 0.2, None], loss=[minimax, wasserstein, wasserstein], target=[MOONS, RING, RING])
    with torch.device("meta"):
        runs = many(**options)
        for _ in range(7):
            runs._make_a_step()
    list(runs)
    expected = many(**options)
    list(expected)
    assert torch.equal(runs.losses, expected.losses)


def test_a_long_run_shows_a_bar_and_takes_it_away(monkeypatch, capsys):
    monkeypatch.setattr(training, "tqdm", functools.partial(training.tqdm, disable=False))
    monkeypatch.setattr(training, "BAR_AFTER", 0.0)
    list(many())
    shown = capsys.readouterr().out
    assert "0/12" in shown and shown.endswith("\r")


# interrupts and errors

class Disturbed:
    """A target that does something while a certain batch is drawn."""

    def __init__(self, disturb, at):
        self.disturb, self.left, self.dim, self.limits = disturb, at, RING.dim, RING.limits

    def sample(self, n, rng):
        self.left -= n == SETTINGS["batch_size"]
        if self.left == 0:
            self.disturb()
        return RING.sample(n, rng)


def press():
    signal.raise_signal(signal.SIGINT)


def press_twice():
    press(), press()


def fail():
    raise ZeroDivisionError


@pytest.mark.parametrize("disturb, error, step", [(press, KeyboardInterrupt, 8), (press_twice, KeyboardInterrupt, 7), (fail, ZeroDivisionError, 7)])
def test_an_interrupt_or_an_error_loses_nothing(disturb, error, step):
    """It comes in step 8, when the first group has made its step and the second is within it."""
    options = dict(loss=[minimax, wasserstein, wasserstein], averaging=0.9)
    runs = many(target=[RING, RING, Disturbed(disturb, 8)], **options)
    seen = []
    with pytest.raises(error):
        for snapshots in runs:
            seen.append(snapshots)
    assert len(seen) == 2 and runs.step == step and runs.losses.shape == (3, step, 2)
    seen += runs
    undisturbed = many(**options)
    for film, expected in zip(zip(*seen), zip(*undisturbed)):
        assert_same(film, expected, atol=0)
    assert torch.equal(runs.losses, undisturbed.losses)


def test_an_interrupt_says_that_it_goes_on():
    with pytest.raises(KeyboardInterrupt, match=r"interrupted after step 8; the next next\(\) goes on"):
        list(many(target=[RING, RING, Disturbed(press, 8)]))


# divergence

@pytest.mark.parametrize("make", [make, normed], ids=["plain", "vmap"])
def test_a_member_that_diverges_disturbs_no_other(make):
    options = dict(make=make, lr_generator=[2e-3, 1e25, 2e-3], lr_discriminator=[3e-3, 1e25, 3e-3], averaging=0.9)
    runs = many(**options)
    with pytest.warns(RuntimeWarning, match=r"member 1 \(seed 12\) in step \d+: .* no longer a finite number") as warned:
        films = list(zip(*runs))
    assert len(warned) == 1, "it is named once"
    step = runs.diverged[1]
    assert list(runs.diverged) == [1]
    assert runs.losses[1, :step - 1].isfinite().all() and runs.losses[1, step - 1:].isnan().all()
    for network in (runs.generators[1], runs.discriminators[1], runs.averages[1]):
        assert all(x.isfinite().all() for x in network.state_dict().values())
    assert torch.equal(films[1][-1].x_fake, films[1][-2].x_fake)
    for i in (0, 2):
        assert_same(films[i], list(single(i, **options)))


def test_it_stays_as_the_single_run_left_it():
    options = dict(lr_generator=1e15, lr_discriminator=1e15, n_steps=30)
    runs = many(**options)
    with pytest.warns(RuntimeWarning):
        list(runs)
    for i in range(3):
        run = single(i, **options)
        with pytest.raises(FloatingPointError, match=f"stopped at step {runs.diverged[i]}:"):
            list(run)
        assert all(torch.allclose(a, b, rtol=1e-3) for a, b in zip(runs.generators[i].parameters(), run.networks[0].parameters()))


# arguments

class Fuzzy(Hinge):
    def judge(self, scores_real, scores_fake):
        return scores_fake - scores_real


def growing(rng):
    return make(rng, width=4 + rng.initial_seed() % 2)


def scaled(rng):
    """Networks that look alike, and of which each does something else."""
    class Scaled(nn.Sequential):
        def forward(self, z):
            return super().forward(z) * rng.initial_seed()

    generator, discriminator = make(rng)
    return Scaled(*generator), discriminator


def branching(rng):
    class Branching(nn.Sequential):
        def forward(self, z):
            return super().forward(z) if z.sum() > 0 else -super().forward(z)

    generator, discriminator = make(rng)
    return Branching(*generator), discriminator


SHARED = make(torch.Generator().manual_seed(0))


@pytest.mark.parametrize("options, error, sentence", [
    (dict(lr_generator=[1e-3, 1e-3]), ValueError, "lr_generator is a list of 2, but there are 3 seeds"),
    (dict(loss=(minimax,) * 4), ValueError, "loss is a list of 4, but there are 3 seeds"),
    (dict(seeds=[]), ValueError, r"seeds must be a list of whole numbers, one for each member, but is \[\]"),
    (dict(seeds=3), ValueError, "seeds must be a list of whole numbers, one for each member, but is 3"),
    (dict(seeds=[1.5]), ValueError, "seeds must be a list of whole numbers"),
    (dict(make=lambda rng: make(rng)[0]), TypeError, r"make\(rng\) must return a pair, \(generator, discriminator\), but returns Sequential"),
    (dict(make=growing), ValueError, "the generator of member 1 is not built like that of member 0"),
    (dict(make=lambda rng: (make(rng)[0], growing(rng)[1])), ValueError, "the discriminator of member 1 is not built like that of member 0"),
    (dict(make=lambda rng: SHARED), ValueError, "some members share their generator: make"),
    (dict(make=scaled), ValueError, "the generators cannot be run as one stack: train them one by one"),
    (dict(make=branching), ValueError, "the generators cannot be run as one stack: .*data-dependent control flow"),
    (dict(loss=Fuzzy()), ValueError, r"must return one number for a batch of scores, but one returns shape \(4,\)"),
    (dict(clip=[0.1, -1, 0.1]), ValueError, "clip, the bound of the critic's weights, must be a positive number, but is -1"),
    (dict(target=[RING, RING, LINE]), ValueError, "the target's have 1 numbers each"),
    (dict(loss="minimax"), TypeError, "'minimax' has no method judge"),
    (dict(averaging=2), ValueError, "decay of an average"),
])
def test_bad_arguments_are_refused_at_once(options, error, sentence):
    with pytest.raises(error, match=sentence):
        many(**options)


def test_an_error_names_its_member():
    with pytest.raises(ValueError) as caught:
        many(penalty=[0, 0, -1])
    assert caught.value.__notes__ == ["This is about member 2, whose seed is 13."]
