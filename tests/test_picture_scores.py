"""Scores of pictures: counted by hand, against SciPy, and on pictures spoilt in known ways."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy import linalg

from helpers.picture_scores import (
    frechet,
    nearest,
    perfect_puppies,
    precision_recall,
    score_puppies,
    sharpness,
)
from helpers.puppies import N_FACTORS, draw_puppies, litter, litter_features


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def puppies(n, seed=50, **factors):
    """(factors, pictures) of n fresh puppies; factors by column number, as background_hue=(14, 0.5)."""
    u = torch.rand(n, N_FACTORS, generator=seeded(seed))
    for column, value in factors.values():
        u[:, column] = value
    return u, draw_puppies(u, 32)


@pytest.fixture(scope="module")
def real():
    return puppies(600)


def test_real_puppies_are_near_perfect(real):
    score = score_puppies(real[1])
    assert score.captured == 40 and score.confident > 0.98
    assert score.reverse_kl == pytest.approx(39 / 1200, abs=0.02)  # (K - 1) / (2n), the sampling error
    for ratio in (score.laplacian, score.gradient, score.background):
        assert ratio == pytest.approx(1, abs=0.05)
    assert "40 of 40 litters captured" in str(score)


def test_shares_and_divergence_against_the_true_litters(real):
    u, pictures = real
    some = litter(u) < 10
    score = score_puppies(pictures[some])
    counts = litter(u)[some].bincount(minlength=40).double()
    shares = counts / counts.sum()
    expected = sum(p * math.log(40 * p) for p in shares.tolist() if p > 0)
    assert score.captured == 10
    assert score.reverse_kl == pytest.approx(expected, abs=0.02)
    assert score.shares.sum().item() == pytest.approx(1)


@pytest.mark.parametrize("spoil, worse", [
    (lambda x: F.avg_pool2d(x, 3, 1, 1, count_include_pad=False), lambda s: s.laplacian < 0.7 and s.gradient < 0.95),
    (lambda x: (x + 0.1 * torch.randn(x.shape, generator=seeded())).clamp(0, 1), lambda s: s.laplacian > 2 and s.gradient > 2),
    (lambda x: (x + x.roll(1, 0)) / 2, lambda s: s.confident < 0.8 and s.frechet > 100 and s.background < 0.85),
    (lambda x: x.clone().fill_(0.5), lambda s: s.captured <= 1 and s.reverse_kl > 3 and s.background == 0),
])
def test_each_fault_shows_in_its_number(real, spoil, worse):
    assert worse(score_puppies(spoil(real[1])))


def test_one_background_shows():
    narrow = puppies(300, hue=(14, 0.5), light=(15, 0.5))[1]
    assert score_puppies(narrow).background < 0.1
    half = puppies(300, light=(15, 0.5))[1]
    assert 0.3 < score_puppies(half).background < 1


def test_perfect_is_the_mean_over_real_puppies():
    perfect = perfect_puppies(80, 32, repeats=2)
    each = [score_puppies(draw_puppies(torch.rand(80, N_FACTORS, generator=seeded(s)), 32)) for s in (1, 2)]
    assert perfect.captured == (each[0].captured + each[1].captured) / 2
    assert perfect.frechet == pytest.approx((each[0].frechet + each[1].frechet) / 2)
    torch.testing.assert_close(perfect.shares, (each[0].shares + each[1].shares) / 2)


def test_frechet_against_scipy(real):
    x, y = litter_features(real[1][:300]), 0.5 * litter_features(real[1][300:]) + 1
    a, b = (np.cov(points.double().numpy().T) for points in (x, y))
    shift = (x.double().mean(0) - y.double().mean(0)).square().sum().item()
    values, axes = linalg.eigh(a)  # the symmetric form: the root of a^1/2 b a^1/2 has the same trace
    half = axes @ np.diag(np.sqrt(values.clip(min=0))) @ axes.T
    expected = shift + np.trace(a + b) - 2 * np.sqrt(linalg.eigvalsh(half @ b @ half).clip(min=0)).sum()
    assert frechet(x, y) == pytest.approx(expected, rel=1e-3)
    assert frechet(x, x) == pytest.approx(0, abs=1e-3 * np.trace(a))


def test_frechet_of_known_gaussians():
    """N(0, 1) and N(3, 4) in one dimension: 9 + (1 - 2)^2."""
    x = torch.randn(200_000, 1, generator=seeded())
    assert frechet(x, 3 + 2 * x) == pytest.approx(10, rel=0.02)


def test_sharpness_by_hand():
    ramp = torch.arange(5.0).expand(1, 1, 5, 5)  # 1 to the right, 0 downwards; straight, so no Laplacian
    assert sharpness(ramp, "gradient") == 0.5 and sharpness(ramp, "laplacian") == 0
    dot = torch.zeros(1, 1, 5, 5)
    dot[..., 2, 2] = 1
    assert sharpness(dot, "laplacian") == pytest.approx((4 + 4) / 9)  # itself 4, each neighbour 1, of 9 inner pixels
    with pytest.raises(ValueError, match="laplacian"):
        sharpness(dot, "sobel")


def test_precision_and_recall_by_hand_loops():
    fake, real = torch.randn(60, 2, generator=seeded(1)), torch.randn(50, 2, generator=seeded(2)) * 0.5 + 1

    def share(points, others, k):
        d = torch.stack([(a - others).norm(dim=1) for a in others])
        radius = d.sort(dim=1).values[:, k]
        inside = [any((p - o).norm() <= r for o, r in zip(others, radius)) for p in points]
        return sum(inside) / len(inside)

    assert precision_recall(fake, real, k=2) == pytest.approx((share(fake, real, 2), share(real, fake, 2)))
    few = torch.randn(30, 2, generator=seeded(3)) * 0.01 + 1  # collapsed onto one place within the real ones
    precision, recall = precision_recall(few, real)
    assert precision > 0.9 and recall < 0.2
    with pytest.raises(ValueError, match="above k = 3"):
        precision_recall(fake[:3], real)


def test_nearest_picture_and_its_distance(real):
    pictures = real[1]
    fake = pictures[[7, 3, 599]].clone()
    fake[1, 0, 0, 0] += 0.25
    index, distance = nearest(fake, pictures)
    assert index.tolist() == [7, 3, 599]
    assert distance.tolist() == pytest.approx([0, 0.25, 0], abs=1e-6)
    with pytest.raises(ValueError, match="of one form"):
        nearest(fake[..., :16], pictures)


@pytest.mark.parametrize("pictures, error, match", [
    (torch.rand(39, 3, 32, 32), ValueError, "at least 40"),
    (torch.rand(50, 1, 32, 32), ValueError, r"\(n, 3, size, size\)"),
    (torch.full((50, 3, 32, 32), float("nan")), ValueError, r"lie in \[0, 1\]"),
    ([1, 2], TypeError, "float32 tensor"),
])
def test_other_pictures_are_refused(pictures, error, match):
    with pytest.raises(error, match=match):
        score_puppies(pictures)
