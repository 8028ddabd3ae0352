"""A race is the loops of lessons 5, 7 and 10 with the scoreboard's settings, and says so in one line."""

import math

import pytest
import torch

from helpers import distributions, race
from helpers.distances import mmd2, wasserstein1
from helpers.scores import score_modes
from helpers.training import train_gan, train_gmn

RING = distributions.ring()


@pytest.mark.parametrize("method", race.METHODS)
def test_a_race_is_the_plain_loop(method):
    how, rng = race.METHODS[method], torch.Generator().manual_seed(5)
    generator, judge = race.pair(RING, rng)
    words = dict(noise_dim=2, n_steps=6, every=6, n_shown=2500, n_arrows=0, averaging=how.averaging, **how.settings)
    plain = train_gan(generator, judge, RING, rng, **words) if method != "gmn" else train_gmn(generator, RING, rng, **words)
    result = race.race(method, RING, seed=5, seconds=6 / how.steps_a_second)
    assert torch.equal(list(plain)[-1].x_average, result.snapshot.x_average) and result.steps == 6
    fresh = torch.Generator().manual_seed(10**6 + 5)
    x, y = result.snapshot.x_average[:500], RING.sample(500, fresh)
    assert result.w1 == wasserstein1(x, y) and result.mmd2 == pytest.approx(float(mmd2(x, y, 0.5)))
    assert result.score.high_quality == score_modes(result.snapshot.x_average, RING).high_quality
    assert str(result).startswith(f"{how.name} on ring of 8: {result.score.covered} of 8 modes covered") and result.seconds > 0


def test_a_seed_decides_everything():
    one, same, other = (race.race("modified", RING, seed=seed, seconds=0.03).w1 for seed in (1, 1, 2))
    assert one == same != other


@pytest.mark.parametrize("target", [distributions.mixture_1d(), distributions.two_moons(), distributions.paw_print()], ids=lambda t: t.name)
def test_targets_without_equal_modes_have_no_modes_to_count(target):
    result = race.race("penalty", target, seconds=0.04)
    assert result.score is None and "modes" not in str(result) and math.isfinite(result.w1)
    assert result.floor < result.w1, "an untrained generator is no perfect sampler"


def test_a_sketchpad_is_a_target():
    class Pad:
        def target(self):
            return distributions.from_points(torch.zeros(3, 2), sd=0.1, name="your drawing")

    assert race.race("gmn", Pad(), seconds=0.02).target == "your drawing"


def test_the_average_remembers_as_many_seconds_for_every_method():
    memories = [1 / (1 - how.averaging) / how.steps_a_second for how in race.METHODS.values()]
    assert memories == pytest.approx([race.MEMORY] * len(memories))
    assert [how.has_judge for how in race.METHODS.values()] == [False, True, True, True, True]


def test_a_perfect_sampler_comes_to_the_floor():
    rng = torch.Generator().manual_seed(0)
    w1, mmd, score = race.scores_of(RING.sample(2500, rng), RING, rng)
    assert w1 < 0.25 and abs(mmd) < 0.01 and score.captured == 8 and score.high_quality > 0.97


@pytest.mark.parametrize("words, error, sentence", [
    (dict(method="wgan"), ValueError, "no method 'wgan'; there are: gmn, minimax, modified, clip, penalty"),
    (dict(target=torch.zeros(5, 2)), TypeError, "target must be a Target, such as ring.*from_points"),
    (dict(seconds=0), ValueError, "seconds must be a number greater than 0"),
    (dict(seconds=True), ValueError, "seconds must be a number greater than 0"),
    (dict(seconds="3"), ValueError, "seconds must be a number greater than 0"),
    (dict(seed="x"), TypeError, "seed must be a whole number"),
    (dict(seed=-1), ValueError, "seed must be a whole number"),
])
def test_bad_races(words, error, sentence):
    with pytest.raises(error, match=sentence):
        race.race(**({"method": "gmn", "target": RING} | words))
