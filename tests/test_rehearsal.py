"""The rehearsal: bit by bit what `train_gan` does, and every step back is exact."""

import math

import pytest
import torch
from torch import nn

from helpers import distributions, networks, rehearsal
from helpers.losses import minimax, modified_minimax
from helpers.rehearsal import Rehearsal, Settings
from helpers.training import train_gan

RING = distributions.ring()
SETTINGS = Settings(minimax, RING, "uniform", 1e-3, 1e-3, 1)


def pair(dropout=0.0, seed=3, width=16):
    rng = torch.Generator().manual_seed(seed)
    generator, discriminator = networks.mlp([2, width, 2], rng), networks.judge([2, width, 1], rng)
    return generator, nn.Sequential(nn.Dropout(dropout), *discriminator) if dropout else discriminator


def rehearse(networks=None, settings=SETTINGS, seed=0, picture=None):
    networks = networks or pair()
    work = Rehearsal(*networks, torch.Generator().manual_seed(seed), 2, 32, picture)
    work.begin(settings)
    return work


def state(work):
    """Everything that decides what comes next."""
    return [x.clone() for x in work.tensors()], work.rng.get_state(), work.numbers, \
        [v for o in work.optimizers for s in o.state_dict()["state"].values() for v in s.values()]


def same(a, b):
    return all(torch.equal(x, y) for x, y in zip([*a[0], a[1], a[2], *a[3]], [*b[0], b[1], b[2], *b[3]], strict=True))


@pytest.mark.parametrize("options, dropout", [({}, 0), ({"discriminator_steps": 3}, 0), ({"loss": modified_minimax}, 0),
                                              ({"lr_generator": 3e-3, "lr_discriminator": 1e-4}, 0), ({}, 0.5)])
def test_equals_train_gan_bit_by_bit(options, dropout):
    ours, theirs = pair(dropout), pair(dropout)
    torch.manual_seed(11)
    work = rehearse(ours, Settings(**(vars(SETTINGS) | options)))
    run = list(train_gan(*theirs, RING, torch.Generator().manual_seed(0), n_steps=23, batch_size=32, **options))
    for i in range(23):
        torch.rand(i)  # what other cells draw does not matter
        work.advance(work.settings if work.step else Settings(**(vars(SETTINGS) | options)))
    assert all(torch.equal(a, b) for a, b in zip(work.tensors(), [x for n in theirs for x in n.parameters()], strict=True))
    assert torch.equal(torch.tensor(work.losses[1, 1:]), run[-1].judge_losses.float())
    assert torch.equal(torch.tensor(work.losses[2, 1:]), run[-1].losses.float())


def test_training_leaves_torchs_own_numbers_alone():
    work = rehearse(pair(dropout=0.5))
    before = torch.get_rng_state()
    work.advance(SETTINGS)
    assert torch.equal(torch.get_rng_state(), before)


def test_slow_motion_halts_and_ends_where_a_step_ends():
    slow, quick = rehearse(), rehearse()
    first = [x.clone() for x in slow.tensors()]
    of_g = len(list(slow.generator.parameters()))
    seen = []
    while not seen or seen[-1] != "done":
        seen.append(slow.advance(SETTINGS, halts=True))
        moved = [not torch.equal(a, b) for a, b in zip(slow.tensors(), first)]
        assert any(moved[of_g:]) == (seen[-1] in ("6b", "done")), "D moves after 6a"
        assert any(moved[:of_g]) == (seen[-1] == "done"), "G moves after 6b"
    assert seen == ["1", "2", "3", "4", "5", "6a", "6b", "done"]
    quick.advance(SETTINGS)
    assert same(state(slow), state(quick)) and slow.step == 1


def test_a_step_that_is_broken_off_in_slow_motion_is_finished_by_the_next():
    slow, quick = rehearse(), rehearse()
    slow.advance(SETTINGS, halts=True)
    slow.advance(SETTINGS, halts=True)
    slow.advance(Settings(minimax, RING, "normal", 1, 1, 5))  # too late for this step
    quick.advance(SETTINGS)
    assert same(state(slow), state(quick))


@pytest.mark.parametrize("kind, still", [("discriminator", "generator"), ("generator", "discriminator")])
def test_one_network_is_trained_and_the_other_does_not_move(kind, still):
    work = rehearse()
    moving, staying = getattr(work, kind), getattr(work, still)
    before = [[x.detach().clone() for x in network.parameters()] for network in (moving, staying)]
    work.advance(SETTINGS, kind)
    assert all(torch.equal(a, b) for a, b in zip(before[1], staying.parameters()))
    assert not any(torch.equal(a, b) for a, b in zip(before[0], moving.parameters()))
    assert [math.isnan(loss) for loss in work.moments[-1].losses] == [kind == "generator", kind == "discriminator"]


def mixed(work, n):
    """Steps of all kinds, with settings that change."""
    others = [SETTINGS, Settings(modified_minimax, distributions.two_moons(), "normal", 3e-3, 1e-4, 2)]
    for i in range(n):
        work.advance(others[i // 7 % 2], ("both", "both", "discriminator", "generator")[i % 4])


@pytest.mark.parametrize("step", [0, 9, 10, 13, 36])
def test_every_step_back_is_exact(step):
    work, other = rehearse(pair(dropout=0.3)), rehearse(pair(dropout=0.3))
    work.numbers = other.numbers
    mixed(other, step)
    mixed(work, 37)
    after = state(work)
    assert work.go_to(step) == step and same(state(work), state(other))
    work.go_to(37)
    assert same(state(work), after)
    assert work.cut(step) == step == work.step and work.losses.shape == (3, step + 1)
    mixed(other, 0)
    work.advance(SETTINGS)
    other.advance(SETTINGS)
    assert same(state(work), state(other))


@pytest.mark.parametrize("seed", [0, 5])
def test_reset_with_the_first_seed_gives_the_very_same_run(seed):
    work = rehearse(pair(dropout=0.3), seed=seed)
    first = state(work)
    mixed(work, 15)
    end = state(work)
    assert work.restart(seed, SETTINGS) == set() and work.step == 0
    assert all(torch.equal(a, b) for a, b in zip(first[0], state(work)[0]))
    mixed(work, 15)
    assert same(state(work), end)


class Odd(nn.Module):
    """A generator with a parameter of its own."""

    def __init__(self):
        super().__init__()
        self.inner, self.shift = nn.Linear(2, 2), nn.Parameter(torch.ones(2))

    def forward(self, z):
        return self.inner(z) + self.shift


def test_another_seed_gives_other_weights_and_says_what_it_could_not_renew():
    work = rehearse((Odd(), pair()[1]))
    first, own = state(work), torch.get_rng_state()
    work.advance(SETTINGS)
    assert work.restart(9, SETTINGS) == {"shift"}
    assert torch.equal(torch.get_rng_state(), own)
    again = state(work)
    assert torch.equal(work.generator.shift, torch.ones(2)) and not torch.equal(again[0][1], first[0][1])
    mixed(work, 5)
    end = state(work)
    work.restart(9, SETTINGS)
    assert same(state(work), again)
    mixed(work, 5)
    assert same(state(work), end)


def test_memory_is_bounded_and_every_step_can_still_be_shown(monkeypatch):
    monkeypatch.setattr(rehearsal, "RECENT", 20)
    calls = []

    def picture(weights, settings):
        calls.append(len(weights))
        return {"generated": torch.ones(50, 2).numpy()}, {"told": "a sentence"}

    work = rehearse(picture=picture)
    monkeypatch.setattr(rehearsal, "MEMORY", 12 * work.moments[0].size)
    for _ in range(150):
        work.advance(SETTINGS)
    assert calls and set(calls) == {8}
    assert work.size == sum(moment.size for moment in work.moments)
    kept = [moment.weights is not None for moment in work.moments]
    assert kept[0] and all(kept[-20:]) and not all(kept)
    assert all(moment.picture for moment, weights in zip(work.moments[1:], kept[1:]) if not weights and work.moments.index(moment) % 2 == 0)
    assert work.moments[0].full, "the first step can always be restored"
    assert work.go_to(149) == 149
    assert work.go_to(60) == 0, "thinned out: the nearest kept full state before it"


def test_the_bound_is_kept_where_pictures_are_small():
    sizes = []
    work = rehearse(pair(width=64), picture=lambda *_: ({}, {}))
    for _ in range(30):
        work.advance(SETTINGS)
        sizes.append(work.size)
    assert 0 < sizes[0] < sizes[-1] < rehearsal.MEMORY
    weights = sum(x.numel() * 4 for x in work.tensors())
    assert 30 * weights < sizes[-1] < 50 * weights + 200_000


class Broken:
    """A loss that goes wrong at its third call, in one way or another."""

    def __init__(self, how):
        self.how, self.calls = how, 0

    def judge(self, scores_real, scores_fake):
        self.calls += 1
        if self.calls == 3:
            return self.how(scores_real.mean())
        return minimax.judge(scores_real, scores_fake)

    def generator(self, scores_fake):
        return minimax.generator(scores_fake)


def raises(_):
    raise KeyError("mistake")


@pytest.mark.parametrize("how, error", [(lambda x: x * math.nan, FloatingPointError), (raises, KeyError)])
def test_a_step_that_goes_wrong_is_undone(how, error):
    work, settings = rehearse(), Settings(Broken(how), RING, "uniform", 1e-3, 1e-3, 1)
    twin = rehearse()
    for each, given in ((work, settings), (twin, SETTINGS)):
        for _ in range(2):
            each.advance(given)
    with pytest.raises(error):
        work.advance(settings)
    assert work.step == 2 and work.halt is None and same(state(work), state(twin))
    work.advance(SETTINGS)
    twin.advance(SETTINGS)
    assert same(state(work), state(twin))


def test_it_notices_when_somebody_else_changes_the_networks():
    work = rehearse()
    work.advance(SETTINGS)
    assert not work.changed_outside()
    with torch.no_grad():
        work.generator[0].weight += 1
    assert work.changed_outside()
