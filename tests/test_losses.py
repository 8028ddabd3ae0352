"""Losses against the formula with logarithms, against torch's cross-entropy, against known values, and at the door."""

import math

import pytest
import torch
from torch.nn.functional import binary_cross_entropy_with_logits

from helpers.losses import minimax, modified_minimax

BOTH = pytest.mark.parametrize("loss", [minimax, modified_minimax], ids=lambda loss: loss.name)


def scores(n, seed):
    return 5 * torch.randn(n, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_both_are_the_formula_with_logarithms():
    real, fake = scores(50, 0), scores(70, 1)
    d_real, d_fake = torch.sigmoid(real), torch.sigmoid(fake)
    value = d_real.log().mean() + (1 - d_fake).log().mean()
    for loss in (minimax, modified_minimax):
        assert torch.isclose(loss.judge(real, fake), -value, rtol=1e-12)
    assert torch.isclose(minimax.generator(fake), (1 - d_fake).log().mean(), rtol=1e-12)
    assert torch.isclose(modified_minimax.generator(fake), -d_fake.log().mean(), rtol=1e-12)


@BOTH
def test_the_judges_part_is_two_cross_entropies(loss):
    real, fake = scores(30, 2), scores(30, 3)
    expected = (binary_cross_entropy_with_logits(real, torch.ones_like(real))
                + binary_cross_entropy_with_logits(fake, torch.zeros_like(fake)))
    assert torch.isclose(loss.judge(real, fake), expected, rtol=1e-12)


def test_at_one_half():
    undecided = torch.zeros(4, dtype=torch.float64)
    assert math.isclose(minimax.judge(undecided, undecided).item(), math.log(4), rel_tol=1e-12)
    assert math.isclose(minimax.generator(undecided).item(), -math.log(2), rel_tol=1e-12)
    assert math.isclose(modified_minimax.generator(undecided).item(), math.log(2), rel_tol=1e-12)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("logit", [-100.0, -30.0, 30.0, 100.0])
def test_large_logits_lose_nothing(logit, dtype):
    score = torch.full((3,), logit, dtype=dtype, requires_grad=True)
    log_d, log_1_d = (-math.log1p(math.exp(-abs(a))) + min(a, 0.0) for a in (logit, -logit))
    d = math.exp(log_d)
    cases = [(minimax.judge(score, torch.zeros_like(score)), -log_d + math.log(2), -(1 - d)),
             (minimax.generator(score), log_1_d, -d), (modified_minimax.generator(score), -log_d, -(1 - d))]
    for value, expected, slope in cases:
        gradient, = torch.autograd.grad(value, score)
        assert math.isclose(value.item(), expected, rel_tol=1e-6, abs_tol=1e-40)
        # 1 - d from the logit itself, since 1.0 - 0.999... has no digits left
        slope = -math.exp(log_1_d) if slope == -(1 - d) else slope
        assert torch.allclose(gradient, torch.full_like(gradient, slope / 3), rtol=1e-5, atol=1e-44)


def test_the_two_questions_differ_by_odds():
    """d(-log D) = (1 - D)/D times d log(1 - D): the same direction, another size (FACTS: 9, 99, 999, 9999)."""
    for d, ratio in ((0.1, 9.0), (0.01, 99.0), (0.001, 999.0), (0.0001, 9999.0)):
        score = torch.tensor([math.log(d / (1 - d))], dtype=torch.float64, requires_grad=True)
        slopes = [torch.autograd.grad(loss.generator(score), score)[0].item() for loss in (minimax, modified_minimax)]
        assert math.isclose(slopes[1] / slopes[0], ratio, rel_tol=1e-9)


@BOTH
@pytest.mark.parametrize("bad, error, sentence", [
    (torch.zeros(5, 1), ValueError, r"scores_fake must have shape \(batch,\), one score for each point; it has \(5, 1\). Write scores_fake.squeeze\(1\)"),
    (torch.zeros(5, 2), ValueError, r"it has \(5, 2\)\.$"),
    (torch.tensor(0.0), ValueError, r"it has \(\)\.$"),
    (torch.zeros(0), ValueError, r"it has \(0,\)\.$"),
    (torch.zeros(5, dtype=torch.int64), TypeError, "scores_fake must be a tensor of floats, the judge's scores, but is torch.int64"),
    ([0.0, 1.0], TypeError, "but is list"),
])
def test_other_scores_are_refused(loss, bad, error, sentence):
    with pytest.raises(error, match=sentence):
        loss.generator(bad)
    with pytest.raises(error, match=sentence):
        loss.judge(torch.zeros(5), bad)
    with pytest.raises(error, match=sentence.replace("fake", "real")):
        loss.judge(bad, torch.zeros(5))


@BOTH
def test_as_many_real_as_generated_points_are_not_needed(loss):
    assert loss.judge(torch.zeros(3), torch.zeros(7)).ndim == 0
