"""How good generated samples are where the truth is known: which modes they reach, how near, how evenly.

The protocol of VEEGAN (Srivastava et al. 2017) and PacGAN (Lin et al. 2018), so that numbers compare with theirs.
Used from lesson 5 on.
"""

import math
from dataclasses import dataclass

import torch
from scipy import stats

from helpers.distributions import Target

NEAR = 3  # standard deviations from the nearest mode, within which a sample is of high quality


@dataclass(frozen=True, eq=False)
class ModeScore:
    """What `score_modes` counts; print it for one line in words.

    captured: modes with at least one sample of high quality, that is within 3 sd of its nearest mode.
    covered: modes with at least a quarter of their fair share of all samples, 1/(4K), in high quality.
    high_quality: share of the samples, from 0 to 1. More than `perfect` means that they lie too near: collapse.
    reverse_kl: Kullback-Leibler divergence of `weights` from equal weights, in nats: 0 if all modes have the same,
    log K if one has all; infinite if no sample is of high quality.
    weights: (K,) share of the high-quality samples at each mode, on the CPU; all 0 if there is none.
    perfect: the high quality that a perfect sampler has.
    """

    captured: float
    covered: float
    high_quality: float
    reverse_kl: float
    weights: torch.Tensor
    perfect: float

    def __str__(self):
        kl = f"{self.reverse_kl:.3f}" if math.isfinite(self.reverse_kl) else "infinite"
        return (f"{self.captured:.4g} of {len(self.weights)} modes captured, {self.covered:.4g} covered, "
                f"{100 * self.high_quality:.1f} % high quality (perfect {100 * self.perfect:.1f}), reverse KL {kl}")


def score_modes(samples, target):
    """A ModeScore: how many modes of the target the samples reach, how near they lie, how even the shares are.

    samples: float tensor (n, dim), at least one; papers take 2,500. target: a Target with `modes` and one `sd`;
    its modes are taken to be equally likely. Set `perfect_score` beside it: not even a perfect sampler is without
    sampling error. Raises TypeError or ValueError for samples of another shape or type, and for other targets.
    Source: Lin et al. 2018, "PacGAN", section 4.1.
    """
    _check_target(target)
    _check_samples(samples, target)
    points, modes = samples.detach().cpu().double(), target.modes.cpu().double()
    # the exact mode: the faster one subtracts large numbers, which shows when sd is small
    distance, nearest = torch.cdist(points, modes, compute_mode="donot_use_mm_for_euclid_dist").min(dim=1)
    counts = nearest[distance <= NEAR * target.sd].bincount(minlength=len(modes))
    weights = counts / counts.sum().clamp(min=1)
    return ModeScore(
        captured=int((counts > 0).sum()),
        covered=int((counts >= _quarter_share(len(points), len(modes))).sum()),
        high_quality=counts.sum().item() / len(points),
        reverse_kl=_divergence_from_equal(weights.double()) if counts.any() else math.inf,
        weights=weights,
        perfect=_perfect_quality(target),
    )


def perfect_score(target, n):
    """The ModeScore to expect of n samples from the target itself: means over many repeats, not whole numbers.

    target: as for `score_modes`, its modes equally likely and at least 8 sd apart (if they lie nearer, a few more
    samples are of high quality). n: number of samples, at least 1; ValueError for less. The reverse KL is about
    (K - 1)/(2n).
    """
    _check_target(target)
    if not isinstance(n, int) or isinstance(n, bool) or n < 1:
        raise ValueError(f"n must be a whole number of at least 1, but is {n!r}.")
    k, quality = len(target.modes), _perfect_quality(target)
    at_one_mode = stats.binom(n, quality / k)
    # the shares at the modes, given how many samples of high quality there are
    near = max(1, round(n * quality))
    share = torch.arange(near + 1, dtype=torch.float64) / near
    chance = torch.as_tensor(stats.binom(near, 1 / k).pmf(range(near + 1)))
    return ModeScore(
        captured=float(k * at_one_mode.sf(0)),
        covered=float(k * at_one_mode.sf(_quarter_share(n, k) - 1)),
        high_quality=quality,
        reverse_kl=(k * chance * torch.special.xlogy(share, k * share)).sum().item(),
        weights=torch.full((k,), 1 / k),
        perfect=quality,
    )


def _perfect_quality(target):
    """The share of a Gaussian within 3 sd of its centre: 0.989 in the plane."""
    return float(stats.chi2(target.dim).cdf(NEAR**2))


def _quarter_share(n, k):
    """The smallest whole number that is at least n/(4k): a quarter of what each of k modes should have."""
    return -(-n // (4 * k))


def _divergence_from_equal(weights):
    """sum w log(K w), where 0 log 0 is 0."""
    return torch.special.xlogy(weights, len(weights) * weights).sum().item()


def _check_target(target):
    if not isinstance(target, Target):
        raise TypeError(f"target must be a Target, as ring() is, but is of type {type(target).__name__}.")
    if target.modes is None:
        raise ValueError(f"the target, {target.name}, has no modes to count: try ring() or grid().")
    if target.sd is None or not target.sd > 0:
        raise ValueError(f"the modes of the target, {target.name}, have no common sd, so that 3 sd mean nothing.")


def _check_samples(samples, target):
    if not torch.is_tensor(samples) or not samples.is_floating_point():
        raise TypeError("samples must be a tensor of floats: write torch.tensor(...) around your numbers.")
    shape = tuple(samples.shape)
    if samples.ndim != 2 or samples.shape[1] != target.dim:
        raise ValueError(f"samples must have shape (n, {target.dim}), one point a row, but have shape {shape}.")
    if len(samples) == 0:
        raise ValueError("there are no samples to score: at least one is needed.")
    if not samples.isfinite().all():
        raise ValueError("samples must be finite, but some are infinite or not a number: has training diverged?")
