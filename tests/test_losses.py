"""Losses against the formula with logarithms, against torch's cross-entropy, against known values, and at the door."""

import math

import pytest
import torch
from scipy import stats
from torch.nn.functional import binary_cross_entropy_with_logits

from helpers.losses import clip_weights, gradient_penalty, minimax, modified_minimax, wasserstein
from helpers.networks import judge

BOTH = pytest.mark.parametrize("loss", [minimax, modified_minimax], ids=lambda loss: loss.name)
ALL = pytest.mark.parametrize("loss", [minimax, modified_minimax, wasserstein], ids=lambda loss: loss.name)


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


@ALL
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


@ALL
def test_as_many_real_as_generated_points_are_not_needed(loss):
    assert loss.judge(torch.zeros(3), torch.zeros(7)).ndim == 0


# Wasserstein

def test_the_critics_gap_and_the_generators_score():
    real, fake = scores(50, 4), scores(70, 5)
    assert math.isclose(wasserstein.judge(real, fake).item(), -(real.sum() / 50 - fake.sum() / 70).item(), rel_tol=1e-12)
    assert math.isclose(wasserstein.generator(fake).item(), -fake.sum().item() / 70, rel_tol=1e-12)


def test_a_constant_changes_neither_the_gap_nor_any_slope():
    real, fake = scores(50, 6).requires_grad_(), scores(50, 7).requires_grad_()
    for shift in (0.0, 3.0, -1000.0):
        gap = wasserstein.judge(real + shift, fake + shift)
        slopes = torch.autograd.grad(gap, (real, fake)) + torch.autograd.grad(wasserstein.generator(fake + shift), fake)
        assert math.isclose(gap.item(), wasserstein.judge(real, fake).item(), rel_tol=1e-9)
        assert all(torch.allclose(slope, torch.full_like(slope, value)) for slope, value in zip(slopes, (-1 / 50, 1 / 50, -1 / 50)))


def test_clipping_moves_every_weight_into_its_bounds_and_no_other():
    critic = judge((2, 16, 16, 1), torch.Generator().manual_seed(0))
    before = [weights.detach().clone() for weights in critic.parameters()]
    assert clip_weights(critic, 0.1) is None
    for weights, was in zip(critic.parameters(), before):
        assert torch.equal(weights, was.clamp(-0.1, 0.1)) and weights.requires_grad
    assert any((was.abs() > 0.1).any() for was in before) and any((was.abs() < 0.1).any() for was in before)


@pytest.mark.parametrize("bound", [0, -0.1, math.nan, math.inf, "small", True, None])
def test_other_bounds_are_refused(bound):
    with pytest.raises(ValueError, match="clip, the bound of the critic's weights, must be a positive number, but is"):
        clip_weights(judge((2, 4, 1), torch.Generator().manual_seed(0)), bound)


class Norm(torch.nn.Module):
    """A critic whose slope is known: `steepness` everywhere, away from the origin."""

    def __init__(self, steepness):
        super().__init__()
        self.steepness = torch.nn.Parameter(torch.tensor(float(steepness)))

    def forward(self, x):
        return self.steepness * x.flatten(1).norm(dim=1)


@pytest.mark.parametrize("shape", [(5, 2), (5, 1), (5, 3, 4, 4)])
@pytest.mark.parametrize("steepness", [0.5, 1.0, 3.0])
def test_the_penalty_of_a_known_slope_and_its_own_slope(shape, steepness):
    x_real, x_fake = torch.rand(shape) + 2, torch.rand(shape) + 1
    rng, critic = torch.Generator().manual_seed(0), Norm(steepness)
    for at, value, slope in (("between", (steepness - 1) ** 2, 2 * (steepness - 1)), ("real", steepness**2, 2 * steepness)):
        penalty = gradient_penalty(critic, x_real, x_fake, rng, at)
        assert penalty.ndim == 0 and math.isclose(penalty.item(), value, rel_tol=1e-4, abs_tol=1e-9)
        assert math.isclose(torch.autograd.grad(penalty, critic.steepness)[0].item(), slope, rel_tol=1e-4, abs_tol=1e-5)
    assert not x_real.requires_grad


class Watching(torch.nn.Module):
    def forward(self, x):
        self.seen = x.detach()
        return x.sum(dim=1)


def test_places_lie_uniformly_between_the_pairs():
    """One share for all coordinates of a pair, uniform from 0 to 1; and none is drawn for R1."""
    n, rng, critic = 4000, torch.Generator().manual_seed(0), Watching()
    x_real, x_fake = torch.zeros(n, 3), torch.tensor([1.0, 2.0, -4.0]).expand(n, 3)
    gradient_penalty(critic, x_real, x_fake, rng)
    share = critic.seen[:, 0]
    assert torch.allclose(critic.seen, share[:, None] * x_fake)
    assert stats.kstest(share.numpy(), "uniform").pvalue > 0.01
    before = rng.get_state()
    gradient_penalty(critic, x_fake, None, rng, at="real")
    assert torch.equal(critic.seen, x_fake) and torch.equal(rng.get_state(), before)


def test_a_dead_critic_has_a_penalty_and_no_nan():
    critic = judge((2, 4, 1), torch.Generator().manual_seed(0))
    with torch.no_grad():
        for weights in critic.parameters():
            weights.zero_()
    for at, value in (("between", 1.0), ("real", 0.0)):
        penalty = gradient_penalty(critic, torch.ones(3, 2), torch.zeros(3, 2), torch.Generator(), at)
        penalty.backward()
        assert penalty.item() == value and all(w.grad is None or w.grad.isfinite().all() for w in critic.parameters())


def test_wrong_pairs_and_places_are_refused():
    critic, rng = judge((2, 4, 1), torch.Generator().manual_seed(0)), torch.Generator()
    with pytest.raises(ValueError, match=r"x_real has shape \(3, 2\) and x_fake \(4, 2\): the penalty needs pairs"):
        gradient_penalty(critic, torch.zeros(3, 2), torch.zeros(4, 2), rng)
    with pytest.raises(ValueError, match='at "between" or at "real", but not at \'fake\''):
        gradient_penalty(critic, torch.zeros(3, 2), torch.zeros(3, 2), rng, at="fake")
