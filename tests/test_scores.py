"""Scores of samples whose truth is known: counted by hand, in the protocol of the papers, and by simulation."""

import math

import numpy as np
import pytest
import torch

from helpers import distributions
from helpers.scores import perfect_score, score_modes

RING, GRID = distributions.ring(radius=1.0, sd=0.01), distributions.grid()
LINE = distributions.mixture_1d((-3, 0, 3), (0.1, 0.1, 0.1), (1, 1, 1))


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def test_counts_by_hand():
    """Ring of 8, n = 32: three exact at mode 0, one at mode 1, one just inside 3 sd, one just outside, 26 far off."""
    far = torch.full((26, 2), 50.0)
    along = torch.tensor([[1.0, 0.0]])
    samples = torch.cat([RING.modes[:1].expand(3, 2), RING.modes[1:2], RING.modes[2:3] + 0.0299 * along,
                         RING.modes[3:4] + 0.0301 * along, far])
    score = score_modes(samples, RING)
    assert (score.captured, score.covered) == (3, 3)  # a quarter of a fair share is 32 / (4 * 8) = 1 sample
    assert score.high_quality == 5 / 32
    assert score.weights.tolist() == pytest.approx([0.6, 0.2, 0.2, 0, 0, 0, 0, 0])
    kl = 0.6 * math.log(8 * 0.6) + 2 * 0.2 * math.log(8 * 0.2)
    assert score.reverse_kl == pytest.approx(kl, rel=1e-6)


def test_covered_asks_for_a_quarter_of_the_fair_share():
    """n = 320: 10 samples are a quarter of a share of 40."""
    for at_first, covered in ((9, 1), (10, 2)):
        samples = torch.cat([RING.modes[:1].expand(at_first, 2), RING.modes[1:2].expand(320 - at_first, 2)])
        score = score_modes(samples, RING)
        assert (score.captured, score.covered) == (2, covered)


def test_the_ring_has_eight_different_centres():
    assert len({tuple(centre) for centre in RING.modes.mul(1e4).round().int().tolist()}) == 8
    assert score_modes(RING.modes, RING).captured == 8


@pytest.mark.parametrize("target, n", [(RING, 2500), (GRID, 2500), (RING, 60), (LINE, 500)])
def test_perfect_score_is_what_a_perfect_sampler_scores(target, n):
    scores = [score_modes(target.sample(n, seeded(i)), target) for i in range(100)]
    expected = perfect_score(target, n)
    for name in ("captured", "covered", "high_quality", "reverse_kl"):
        values = np.array([getattr(score, name) for score in scores])
        error = max(4 * values.std(ddof=1) / 10, 1e-3 * values.mean())
        assert abs(values.mean() - getattr(expected, name)) < error, name


def test_perfect_score_has_the_published_size():
    score = perfect_score(RING, 2500)
    assert score.high_quality == pytest.approx(1 - math.exp(-4.5)) == pytest.approx(0.989, abs=1e-3)
    assert score.reverse_kl == pytest.approx(7 / 5000, rel=0.05)
    assert perfect_score(GRID, 2500).reverse_kl == pytest.approx(24 / 5000, rel=0.05)
    assert (score.captured, score.covered) == (pytest.approx(8), pytest.approx(8))


def test_collapse_has_perfect_quality_and_the_worst_balance():
    score = score_modes(RING.modes[:1].expand(100, 2), RING)
    assert score.high_quality == 1 > score.perfect
    assert score.captured == 1 and score.reverse_kl == pytest.approx(math.log(8))


def test_nothing_near_scores_nothing():
    score = score_modes(torch.full((10, 2), 9.0), RING)
    assert (score.captured, score.covered, score.high_quality, score.reverse_kl) == (0, 0, 0, math.inf)
    assert score.weights.tolist() == [0] * 8
    assert "reverse KL infinite" in str(score)


def test_a_single_point_and_other_devices_and_types_are_scored():
    assert score_modes(RING.modes[:1], RING).captured == 1
    assert score_modes(RING.modes.half().double().requires_grad_(), RING).captured == 8


def test_it_says_in_one_line_what_it_counted():
    text = str(score_modes(RING.sample(2500, seeded()), RING))
    assert text.startswith("8 of 8 modes captured, 8 covered, ") and "(perfect 98.9)" in text and "\n" not in text


@pytest.mark.parametrize("samples, target, error, sentence", [
    ([[0.0, 0.0]], RING, TypeError, "samples must be a tensor of floats"),
    (torch.zeros(3, 2, dtype=torch.long), RING, TypeError, "samples must be a tensor of floats"),
    (torch.zeros(3), RING, ValueError, r"samples must have shape \(n, 2\), one point a row, but have shape \(3,\)"),
    (torch.zeros(3, 3), RING, ValueError, r"samples must have shape \(n, 2\)"),
    (torch.zeros(0, 2), RING, ValueError, "there are no samples to score: at least one is needed"),
    (torch.full((3, 2), math.nan), RING, ValueError, "samples must be finite.*has training diverged"),
    (torch.zeros(3, 2), "ring", TypeError, r"target must be a Target, as ring\(\) is, but is of type str"),
    (torch.zeros(3, 2), distributions.two_moons(), ValueError, "has no modes to count: try ring"),
])
def test_bad_input_gets_one_sentence(samples, target, error, sentence):
    with pytest.raises(error, match=sentence):
        score_modes(samples, target)


@pytest.mark.parametrize("n", [0, 2.5, True, None])
def test_perfect_score_needs_a_number_of_samples(n):
    with pytest.raises(ValueError, match="n must be a whole number of at least 1"):
        perfect_score(RING, n)
