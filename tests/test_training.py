"""Training as a thing to look at: the same numbers whoever looks, however often, and whatever interrupts."""

import contextlib
import dataclasses
import functools
import math
import signal
import threading

import numpy as np
import pytest
import torch

from helpers import distances, distributions, training
from helpers.networks import averaged, mlp
from helpers.sampling import uniform_noise
from helpers.training import Snapshot, gmn_steps, train_gmn

MOONS = distributions.two_moons()
SETTINGS = dict(bandwidth=[0.3, 1.0], noise_dim=2, batch_size=16, lr=1e-2)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def fresh():
    """A generator and the rng that its training goes on with."""
    rng = seeded()
    return mlp((2, 8, 2), rng), rng


def parameters(module):
    return torch.nn.utils.parameters_to_vector(module.parameters()).detach().clone()


def plain(n_steps):
    """Parameters and losses after n_steps of the bare loop."""
    generator, rng = fresh()
    steps = gmn_steps(generator, MOONS, rng, **SETTINGS)
    losses = [next(steps) for _ in range(n_steps)]
    return parameters(generator), losses


def started(n_steps=20, every=5, **options):
    generator, rng = fresh()
    return generator, train_gmn(generator, MOONS, rng, n_steps=n_steps, every=every, n_shown=30, n_arrows=7,
                                **SETTINGS | options)


# snapshots

def test_a_run_yields_the_start_and_every_stretch():
    _, run = started(n_steps=12, every=5)
    assert len(run) == 4
    assert [snapshot.step for snapshot in run] == [0, 5, 10, 12]
    assert run.step == 12 and len(run.losses) == 12
    with pytest.raises(StopIteration):
        next(run)
    assert list(run) == []


def test_snapshots_have_the_promised_shapes():
    snapshots = list(started()[1])
    for snapshot in snapshots:
        assert isinstance(snapshot, Snapshot)
        assert snapshot.x_fake.shape == snapshot.x_real.shape == snapshot.z_fixed.shape == (30, 2)
        assert snapshot.losses.shape == (snapshot.step,)
        assert snapshot.push.shape == (7, 2)
        assert snapshot.grid.shape == (2, *training.GRID, 2)
        assert snapshot.limits == MOONS.limits
        assert not any(x.requires_grad for x in (snapshot.x_fake, snapshot.z_fixed, snapshot.x_real, snapshot.push))


def test_snapshots_show_the_same_noise_and_keep_what_they_showed():
    generator, run = started()
    first = next(run)
    kept = first.x_fake.clone()
    last = list(run)[-1]
    assert torch.equal(first.x_fake, kept) and not torch.equal(last.x_fake, kept)
    assert torch.equal(first.z_fixed, last.z_fixed) and torch.equal(first.x_real, last.x_real)
    assert torch.equal(generator(last.z_fixed).detach(), last.x_fake)


class Points(torch.nn.Module):
    """No network: its parameters are the points themselves, and it gives them out as they are."""

    def __init__(self):
        super().__init__()
        self.points = torch.nn.Parameter(torch.zeros(30, 2))

    def forward(self, z):
        return self.points if len(z) == 30 else self.points[:len(z)]


@pytest.mark.parametrize("generator", [
    Points(), torch.nn.Sequential(torch.nn.ReLU(inplace=True), torch.nn.Linear(3, 2))
], ids=["gives out its own", "overwrites z"])
def test_snapshots_are_copies_whatever_the_generator_does(generator):
    run = train_gmn(generator, MOONS, seeded(), n_steps=3, every=1, n_shown=30, **SETTINGS | {"noise_dim": 3})
    film = [(snapshot, snapshot.x_fake.clone()) for snapshot in run]
    for snapshot, x_fake in film:
        assert torch.equal(snapshot.x_fake, x_fake) and not snapshot.x_fake.requires_grad
        assert (snapshot.z_fixed < 0).any()
    assert not torch.equal(film[0][1], film[-1][1])


def test_the_push_is_minus_the_gradient_of_the_distance():
    snapshot = next(started()[1])
    x = snapshot.x_fake.clone().requires_grad_()
    slope, = torch.autograd.grad(distances.mmd2(x, snapshot.x_real, SETTINGS["bandwidth"]), x)
    assert torch.allclose(snapshot.push, -30 * slope[:7], atol=1e-4)


def test_the_grid_is_the_mapped_grid_of_the_noise():
    generator, run = started()
    grid = next(run).grid
    n_lines, n_points = training.GRID
    corners = np.array([[-1, -1], [-1, 1], [1, -1], [1, 1]], dtype=np.float32)
    mapped = generator(torch.as_tensor(corners)).detach().numpy()
    ends = grid[:, [0, 0, n_lines - 1, n_lines - 1], [0, n_points - 1, 0, n_points - 1]]
    for direction in ends:
        assert {tuple(point.round(4)) for point in direction} == {tuple(point.round(4)) for point in mapped}


def test_points_on_a_line_and_in_space_have_no_grid():
    line = distributions.mixture_1d()
    for target, dim in ((line, 1), (distributions.from_points(torch.randn(50, 3)), 3)):
        run = train_gmn(mlp((dim, 8, dim), seeded()), target, seeded(), 1.0, noise_dim=dim, n_steps=2, every=1)
        assert all(snapshot.grid is None and snapshot.x_fake.shape == (1000, dim) for snapshot in run)
    without = next(train_gmn(fresh()[0], MOONS, seeded(), 1.0, n_arrows=0))
    assert without.push is None


# the same run, whoever looks

@pytest.mark.parametrize("every, options", [(1, {}), (7, {}), (40, {}), (5, dict(n_arrows=0, n_shown=2))])
def test_looking_never_changes_the_run(every, options):
    generator, rng = fresh()
    run = train_gmn(generator, MOONS, rng, n_steps=20, every=every, **SETTINGS | options)
    for _ in run:
        torch.rand(3)  # what somebody else draws from torch's own generator
    expected, losses = plain(20)
    assert torch.equal(parameters(generator), expected)
    assert run.losses == losses


def test_looking_uses_no_random_number_and_leaves_the_mode():
    rng = seeded()
    generator = torch.nn.Sequential(torch.nn.Linear(2, 8), torch.nn.BatchNorm1d(8), torch.nn.Dropout(0.5), torch.nn.Linear(8, 2))
    generator[1].eval()  # somebody froze one layer
    run = train_gmn(generator, MOONS, rng, 1.0, n_steps=2, every=1)
    torch.manual_seed(3)
    before, statistics = torch.get_rng_state(), generator[1].running_mean.clone()
    next(run)
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(generator[1].running_mean, statistics)
    assert [part.training for part in generator] == [True, False, True, True]


def test_a_pause_between_two_runs_of_one_network_disturbs_neither():
    (first, one), (second, two) = started(), started()
    for _ in range(5):  # in turn
        next(one), next(two)
    assert torch.equal(parameters(first), plain(20)[0])
    assert torch.equal(parameters(second), plain(20)[0])


def test_the_seed_decides():
    ends = [parameters(run_and_keep(seed)) for seed in (1, 1, 2)]
    assert torch.equal(ends[0], ends[1]) and not torch.equal(ends[0], ends[2])


def run_and_keep(seed):
    generator = fresh()[0]
    list(train_gmn(generator, MOONS, seeded(seed), n_steps=5, every=5, n_shown=2, **SETTINGS))
    return generator


def test_it_learns():
    generator, rng = mlp((2, 32, 32, 2), seeded()), seeded(1)
    film = list(train_gmn(generator, MOONS, rng, [0.1, 0.3, 1.0, 3.0], n_steps=200, batch_size=64, lr=5e-3, every=200, n_shown=200))
    first, last = (distances.wasserstein1(snapshot.x_fake, snapshot.x_real) for snapshot in film)
    assert last < first / 2


def test_the_loss_is_the_unbiased_estimate():
    generator, rng = fresh()
    copy, its_rng = fresh()
    loss = next(gmn_steps(generator, MOONS, rng, **SETTINGS))
    z = 2 * uniform_noise(16, 2, its_rng) - 1
    assert loss == distances.mmd2(copy(z), MOONS.sample(16, its_rng), SETTINGS["bandwidth"]).item()


def test_the_average_follows_the_generator():
    _, run = started(averaging=0.9)
    reference, rng = fresh()
    average, steps = averaged(reference, 0.9), gmn_steps(reference, MOONS, rng, **SETTINGS)
    next(run)
    for snapshot in run:
        for _ in range(5):
            next(steps)
            average.update_parameters(reference)
        assert torch.allclose(snapshot.x_average, average(snapshot.z_fixed), atol=1e-6)
        assert torch.allclose(snapshot.x_fake, reference(snapshot.z_fixed), atol=1e-6)
    assert (snapshot.x_average - snapshot.x_fake).abs().max() > 1e-3
    assert next(started()[1]).x_average is None


# interrupts

class InterruptAt:
    """A target that presses Ctrl-C while a certain batch is drawn."""

    def __init__(self, press, at):
        self.press, self.left = press, at
        self.dim, self.limits = MOONS.dim, MOONS.limits

    def sample(self, n, rng):
        self.left -= n == SETTINGS["batch_size"]
        if self.left == 0:
            self.press()
        return MOONS.sample(n, rng)


def test_ctrl_c_waits_for_the_end_of_the_step_and_the_run_goes_on():
    generator, rng = fresh()
    target = InterruptAt(lambda: signal.raise_signal(signal.SIGINT), at=8)
    run = train_gmn(generator, target, rng, n_steps=20, every=5, n_shown=2, **SETTINGS)
    steps = []
    with pytest.raises(KeyboardInterrupt, match=r"interrupted after step 8; the next next\(\) goes on"):
        for snapshot in run:
            steps.append(snapshot.step)
    assert steps == [0, 5] and run.step == 8
    assert torch.equal(parameters(generator), plain(8)[0])
    assert next(run).step == 10
    assert [snapshot.step for snapshot in run] == [15, 20]
    assert torch.equal(parameters(generator), plain(20)[0])
    assert run.losses == plain(20)[1]


def test_ctrl_c_has_its_old_meaning_afterwards():
    before = signal.getsignal(signal.SIGINT)
    list(started()[1])
    assert signal.getsignal(signal.SIGINT) is before


def test_a_second_ctrl_c_undoes_the_step_that_takes_too_long():
    def press_twice():
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
        raise AssertionError("the second one breaks in")

    before = signal.getsignal(signal.SIGINT)
    generator, rng = fresh()
    run = train_gmn(generator, InterruptAt(press_twice, at=8), rng, n_steps=20, every=5, n_shown=2, **SETTINGS)
    with pytest.raises(KeyboardInterrupt):
        list(run)
    assert signal.getsignal(signal.SIGINT) is before
    assert run.step == 7 and torch.equal(parameters(generator), plain(7)[0])
    assert [snapshot.step for snapshot in run] == [10, 15, 20]
    assert torch.equal(parameters(generator), plain(20)[0])


class Breaking(torch.nn.Module):
    """A network that raises an error at a certain place of its k-th training step, once."""

    def __init__(self, inner, place, k, error):
        super().__init__()
        self.inner, self.place, self.left, self.error = inner, place, k, error

    def forward(self, z):
        self.left -= torch.is_grad_enabled()  # looks need no gradients
        now = self.left == 0 and torch.is_grad_enabled()
        if now and self.place == "generate":
            raise self.error
        x = self.inner(z)
        if now and self.place == "back-propagate":
            x.register_hook(self.stop)
        return x

    def stop(self, _):
        raise self.error


@pytest.mark.parametrize("error", [KeyboardInterrupt(), ZeroDivisionError("a mistake of the learner's")])
@pytest.mark.parametrize("place", ["generate", "back-propagate"])
@pytest.mark.parametrize("k", [1, 2, 8, 10])
def test_an_error_inside_a_step_undoes_it_and_the_run_goes_on(place, k, error):
    inner, rng = fresh()
    run = train_gmn(Breaking(inner, place, k, error), MOONS, rng, n_steps=20, every=5, n_shown=2, **SETTINGS)
    with pytest.raises(type(error)):
        list(run)
    assert run.step == len(run.losses) == k - 1
    assert torch.equal(parameters(inner), plain(k - 1)[0])
    assert [snapshot.step for snapshot in run] == list(range(5 * math.ceil(k / 5), 21, 5))
    assert torch.equal(parameters(inner), plain(20)[0])
    assert run.losses == plain(20)[1]


def test_an_update_that_stops_halfway_is_undone(monkeypatch):
    generator, run = started()
    [next(run) for _ in range(2)]
    whole, expected = torch.optim.Adam.step, plain(5)[0]

    def half(self):
        whole(self)
        with torch.no_grad():
            next(generator.parameters()).zero_()
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(torch.optim.Adam, "step", half)
        for _ in range(2):  # the second time in the first step of a new loop
            with pytest.raises(KeyboardInterrupt):
                next(run)
            assert torch.equal(parameters(generator), expected)
    list(run)
    assert torch.equal(parameters(generator), plain(20)[0])
    assert run.losses == plain(20)[1]


def test_dropout_and_batch_norm_go_on_too():
    def end_of(target):
        rng = seeded()
        generator = torch.nn.Sequential(mlp((2, 8), rng), torch.nn.BatchNorm1d(8), torch.nn.Dropout(0.3), mlp((8, 2), rng))
        torch.manual_seed(5)
        run = train_gmn(generator, target, rng, n_steps=12, every=4, n_shown=2, **SETTINGS)
        with contextlib.suppress(KeyboardInterrupt):
            list(run)
        assert (run.step < 12) == (target is not MOONS)
        list(run)
        return generator.state_dict()

    expected, interrupted = end_of(MOONS), end_of(InterruptAt(interrupt, at=7))
    for name, value in expected.items():
        assert torch.equal(interrupted[name], value), name


def interrupt():
    raise KeyboardInterrupt


def test_an_interrupted_look_is_taken_again():
    generator, run = started()
    assert next(run).step == 0
    hook = generator.register_forward_pre_hook(lambda module, _: None if module.training else interrupt())
    with pytest.raises(KeyboardInterrupt):
        next(run)
    hook.remove()
    assert run.step == 5 and generator.training
    assert [snapshot.step for snapshot in run] == [5, 10, 15, 20]
    assert torch.equal(parameters(generator), plain(20)[0])


def test_a_run_works_in_another_thread():
    generator, run = started()
    thread = threading.Thread(target=lambda: list(run))
    thread.start()
    thread.join(60)
    assert torch.equal(parameters(generator), plain(20)[0])


# divergence

def test_divergence_names_the_step_and_leaves_the_networks():
    generator, run = started(lr=1e30)
    next(run)
    before, losses = parameters(generator), []
    steps = gmn_steps(*fresh_with(seeded()), **SETTINGS | {"lr": 1e30})
    with pytest.raises(FloatingPointError):
        while True:
            losses.append(next(steps))
    with pytest.raises(FloatingPointError, match=rf"Training stopped at step {len(losses) + 1}: .*smaller learning rate") as caught:
        next(run)
    assert run.step == len(losses) >= 1
    assert "\n" not in str(caught.value)
    assert parameters(generator).isfinite().all() and not torch.equal(parameters(generator), before)


def test_a_loss_that_is_no_number_is_undone_too():
    """Finite points, but so far out that their mean is not: the update with this loss has happened already."""
    generator, rng = fresh()
    far = dataclasses.replace(MOONS, draw=lambda n, rng: 3e38 + torch.zeros(n, 2))
    run = train_gmn(generator, far, rng, n_steps=5, every=5, n_shown=2, n_arrows=0, **SETTINGS)
    before = parameters(generator)
    for _ in range(2):  # it does not end in silence when asked again
        with pytest.raises(FloatingPointError, match="Training stopped at step 1: the loss is no longer a finite number"):
            list(run)
        assert torch.equal(parameters(generator), before) and run.losses == []


def fresh_with(rng):
    generator, rng = fresh()
    return generator, MOONS, rng


def test_data_that_are_not_finite_are_refused():
    class Broken(InterruptAt):
        def sample(self, n, rng):
            return MOONS.sample(n, rng) * (math.nan if n == SETTINGS["batch_size"] else 1)

    generator, rng = fresh()
    before = parameters(generator)
    with pytest.raises((ValueError, FloatingPointError), match="finite"):
        list(train_gmn(generator, Broken(None, 0), rng, n_steps=5, every=5, n_shown=2, **SETTINGS))
    assert torch.equal(parameters(generator), before)


# bad arguments

@pytest.mark.parametrize("options, error, sentence", [
    (dict(n_steps=0), ValueError, "n_steps must be a whole number of at least 1, but is 0"),
    (dict(n_steps=2.5), ValueError, "n_steps must be a whole number"),
    (dict(every=True), ValueError, "every must be a whole number of at least 1, but is True"),
    (dict(batch_size=1), ValueError, "batch_size must be a whole number of at least 2"),
    (dict(n_arrows=-1), ValueError, "n_arrows must be a whole number of at least 0"),
    (dict(n_shown=1), ValueError, "n_shown must be a whole number of at least 2"),
    (dict(lr=0), ValueError, "the learning rate, must be a positive number such as 0.001, but is 0"),
    (dict(lr=math.nan), ValueError, "the learning rate"),
    (dict(lr="fast"), ValueError, "the learning rate"),
    (dict(bandwidth=-1.0), ValueError, "a bandwidth must be positive"),
    (dict(noise_dim=3), ValueError, r"the generator does not take noise of shape \(n, 3\)"),
    (dict(generator="G"), TypeError, "generator must be a torch.nn.Module, but is of type str"),
    (dict(generator=torch.nn.Identity()), ValueError, "the generator has no parameters to train"),
    (dict(generator=mlp((2, 4, 3), seeded())), ValueError, r"makes points of shape \(3,\), but the target's have 2"),
    (dict(generator=mlp((2, 4, 2), seeded()).requires_grad_(False)), ValueError, "the generator has no parameters to train"),
    (dict(generator=torch.nn.LSTM(2, 2)), TypeError, "the generator must return a tensor of points, but returns one of type tuple"),
    (dict(generator=mlp((2, 4, 2), seeded()).double()), ValueError, r"the generator does not take noise of shape \(n, 2\): .*dtype"),
    (dict(target=torch.zeros(5, 2)), TypeError, "target must be a Target, such as ring.*from_points"),
    (dict(rng=0), TypeError, r"rng must be a torch.Generator: make one with torch.Generator\(\).manual_seed\(0\)"),
])
def test_bad_arguments_are_refused_at_once(options, error, sentence):
    generator, rng = fresh()
    with pytest.raises(error, match=sentence):
        train_gmn(**dict(generator=generator, target=MOONS, rng=rng, bandwidth=1.0) | options)


# the progress bar

@pytest.fixture
def bars(monkeypatch):
    """Progress bars as learners have them (TQDM_DISABLE holds from tqdm's import on), and nobody waits for them."""
    monkeypatch.setattr(training, "tqdm", functools.partial(training.tqdm, disable=False))
    monkeypatch.setattr(training, "BAR_AFTER", 0.0)


@pytest.mark.parametrize("every", [5, 20])
@pytest.mark.parametrize("go", [list, lambda run: [next(run), next(run)]], ids=["list", "next"])
def test_a_long_run_shows_a_bar_and_takes_it_away(bars, capsys, every, go):
    go(started(every=every)[1])
    shown = capsys.readouterr()
    assert "0/20" in shown.out and "step" in shown.out
    assert shown.out.endswith("\r") and shown.err == ""


def test_the_bar_moves_within_a_stretch(bars, monkeypatch, capsys):
    seen = []
    monkeypatch.setattr(training.tqdm.func, "update", lambda bar, n=1: seen.append(n))
    list(started(every=20)[1])
    assert seen == [1] * 20


def test_an_interrupt_takes_the_bar_away_too(bars, capsys):
    generator, rng = fresh()
    run = train_gmn(generator, InterruptAt(interrupt, at=8), rng, n_steps=20, every=5, n_shown=2, **SETTINGS)
    with pytest.raises(KeyboardInterrupt):
        list(run)
    assert capsys.readouterr().out.endswith("\r")
    list(run)
    assert "7/20" in capsys.readouterr().out  # it goes on where it was


def test_a_short_run_shows_none(bars, monkeypatch, capsys):
    monkeypatch.setattr(training, "BAR_AFTER", 60.0)
    list(started()[1])
    assert capsys.readouterr().out == ""
