"""Distributions to aim at, small enough to be drawn: one sees what a generator gets right and wrong.

Each function returns a `Target`. Used from lesson 4 on.
"""

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import torch


@dataclass(frozen=True, eq=False)
class Target:
    """A distribution that can be sampled, and what is known about it.

    limits: one (low, high) for each dimension, wide enough for practically all samples: the limits of axes.
    modes: (k, dim) centres of the Gaussians that it is made of, or None.
    sd: standard deviation of the noise around centre, curve or point; None where there are several.
    draw: makes the samples for `sample`.
    log_density(x): from (n, dim) to (n,), natural logarithm of the density; None where it is not known.
    """

    name: str
    dim: int
    limits: tuple[tuple[float, float], ...]
    modes: torch.Tensor | None
    sd: float | None
    draw: Callable
    log_density: Callable | None = None

    def sample(self, n, rng):
        """n independent samples, an (n, dim) float32 tensor on the device of `rng`, a torch.Generator."""
        _check_count("n", n)
        if not isinstance(rng, torch.Generator):
            raise TypeError(f"rng must be a torch.Generator, but is {rng!r}: "
                            "make one with torch.Generator().manual_seed(0).")
        return self.draw(n, rng)


def ring(n_modes=8, radius=2.0, sd=0.05):
    """A ring of equally likely round Gaussians, their centres evenly spaced on a circle around the origin.

    The first centre is (radius, 0), the others follow anticlockwise. sd: of each Gaussian, more than 0.
    Raises ValueError for numbers that make no ring.
    """
    _check_count("n_modes", n_modes)
    _check_positive("radius", radius)
    _check_positive("sd", sd)
    # stops before the full turn, where the first would come again
    angle = 2 * math.pi * torch.arange(n_modes) / n_modes
    centres = radius * torch.stack([angle.cos(), angle.sin()], dim=1)
    return _equal_gaussians(f"ring of {n_modes}", centres, sd, _limits([-radius] * 2, [radius] * 2, sd))


def grid(side=5, spacing=2.0, sd=0.05):
    """A square grid of equally likely round Gaussians, side by side centres around the origin.

    The centres lie `spacing` apart, row by row from the lower left. sd: of each Gaussian, more than 0.
    Raises ValueError for numbers that make no grid.
    """
    _check_count("side", side)
    _check_positive("spacing", spacing)
    _check_positive("sd", sd)
    steps = spacing * (torch.arange(side) - (side - 1) / 2)
    y, x = torch.meshgrid(steps, steps, indexing="ij")
    centres = torch.stack([x.flatten(), y.flatten()], dim=1)
    reach = spacing * max(side - 1, 1) / 2
    return _equal_gaussians(f"grid of {side**2}", centres, sd, _limits([-reach] * 2, [reach] * 2, sd))


def two_moons(sd=0.05):
    """Two half circles that reach into each other, equally likely, with mean 0, between -2.5 and 2.5.

    With t uniform in [0, pi], the upper moon is (cos t, sin t), the lower one (1 - cos t, 1/2 - sin t);
    both are moved by (-1/2, -1/4), then enlarged by 5/3. Gaussian noise is added; sd: its standard deviation,
    0 or more. The density has no simple formula. Raises ValueError for another sd.
    """
    _check_not_negative("sd", sd)

    def draw(n, rng):
        t = math.pi * torch.rand(n, generator=rng, device=rng.device)
        upper = torch.stack([t.cos(), t.sin()], dim=1)
        lower = torch.stack([1 - t.cos(), 0.5 - t.sin()], dim=1)
        is_upper = torch.rand(n, 1, generator=rng, device=rng.device) < 0.5
        middle = torch.tensor([0.5, 0.25], device=rng.device)
        curve = 5 / 3 * (torch.where(is_upper, upper, lower) - middle)
        return curve + sd * torch.randn(n, 2, generator=rng, device=rng.device)

    return Target("two moons", 2, _limits([-2.5] * 2, [2.5] * 2, sd), None, float(sd), draw)


def swiss_roll(sd=0.05):
    """A spiral of one and a half turns, with mean 0, between about -2.5 and 2.5.

    With t uniform in [3 pi / 2, 9 pi / 2], the spiral is (t cos t, t sin t); its mean, (2, 2 / (3 pi)), is
    subtracted, then it is multiplied by 0.18. Gaussian noise is added; sd: its standard deviation, 0 or more.
    The density has no simple formula. Raises ValueError for another sd.
    """
    _check_not_negative("sd", sd)

    def draw(n, rng):
        t = math.pi * (1.5 + 3 * torch.rand(n, generator=rng, device=rng.device))
        curve = 0.18 * torch.stack([t * t.cos() - 2, t * t.sin() - 2 / (3 * math.pi)], dim=1)
        return curve + sd * torch.randn(n, 2, generator=rng, device=rng.device)

    return Target("swiss roll", 2, _limits([-2.5] * 2, [2.5] * 2, sd), None, float(sd), draw)


def paw_print(sd=0.03):
    """A drawing, as a learner might make one: a pad and four toes, evenly filled, between -2.5 and 2.5.

    The toes, narrow ellipses, keep a distance from each other and from the pad, a wide one. A point falls into each
    with a chance in proportion to its area. Gaussian noise is added; sd: its standard deviation, 0 or more. The
    density has no simple formula. Raises ValueError for another sd.
    """
    _check_not_negative("sd", sd)
    middles = torch.tensor([[0.0, -1.0], [-1.85, 0.35], [-0.7, 1.45], [0.7, 1.45], [1.85, 0.35]])
    halves = torch.tensor([[1.35, 1.05], [0.45, 0.7], [0.48, 0.8], [0.48, 0.8], [0.45, 0.7]])

    def draw(n, rng):
        areas, centres, axes = halves.prod(dim=1).to(rng.device), middles.to(rng.device), halves.to(rng.device)
        which = torch.multinomial(areas, n, replacement=True, generator=rng)
        angle = 2 * math.pi * torch.rand(n, generator=rng, device=rng.device)
        radius = torch.rand(n, 1, generator=rng, device=rng.device).sqrt()  # the root: as many on each piece of area
        disc = radius * torch.stack([angle.cos(), angle.sin()], dim=1)
        noise = sd * torch.randn(n, 2, generator=rng, device=rng.device)
        return centres[which] + axes[which] * disc + noise

    return Target("paw print", 2, _limits([-2.3, -2.05], [2.3, 2.25], sd), None, float(sd), draw)


def mixture_1d(means=(-2.0, 0.5, 2.5), sds=(0.5, 0.3, 0.6), weights=(0.3, 0.3, 0.4)):
    """A mixture of Gaussians on the line; its samples have shape (n, 1).

    means, sds (standard deviations), weights: one number for each Gaussian. The weights are divided by their
    sum. `modes` holds the means, of shape (k, 1). Raises ValueError for lists that do not fit together.
    """
    means, sds, weights = (torch.as_tensor(list_, dtype=torch.float32) for list_ in (means, sds, weights))
    if means.ndim != 1 or len(means) == 0 or not means.shape == sds.shape == weights.shape:
        raise ValueError("means, sds and weights must be lists of one length, a number for each Gaussian.")
    if not means.isfinite().all():
        raise ValueError("means must be finite numbers.")
    for name, numbers in (("sds", sds), ("weights", weights)):
        for number in numbers.tolist():
            _check_positive(f"each of the {name}", number)
    centres, weights = means[:, None], weights / weights.sum()

    def draw(n, rng):
        which = torch.multinomial(weights.to(rng.device), n, replacement=True, generator=rng)
        noise = torch.randn(n, 1, generator=rng, device=rng.device)
        return centres.to(rng.device)[which] + sds.to(rng.device)[which, None] * noise

    log_density = functools.partial(_log_gaussians, centres=centres, sds=sds, weights=weights)
    limits = _limits([(means - 4 * sds).min().item()], [(means + 4 * sds).max().item()])
    sd = sds[0].item() if (sds == sds[0]).all() else None
    return Target(f"mixture of {len(means)}", 1, limits, centres, sd, draw, log_density)


def from_points(points, sd=0.0, name="your points"):
    """The distribution that picks one of the given points at random, and adds Gaussian noise to it.

    points: (m, d), at least one, copied. sd: standard deviation of the noise, 0 or more. With noise this is a
    kernel density estimate, whose log-density is known; without, every sample is one of the points, and there
    is no density. Raises ValueError for other shapes, for points that are not finite, and for another sd.
    """
    points = torch.as_tensor(points, dtype=torch.float32).clone()
    if points.ndim != 2 or 0 in points.shape:
        shape = tuple(points.shape)
        raise ValueError(f"points must have shape (m, d), one point a row, but has shape {shape}.")
    if not points.isfinite().all():
        raise ValueError("points must be finite, but some are infinite or not numbers: drop those first.")
    _check_not_negative("sd", sd)
    limits = _limits(points.min(dim=0).values.tolist(), points.max(dim=0).values.tolist(), sd)
    target = _equal_gaussians(name, points, sd, limits)
    return replace(target, modes=None, log_density=target.log_density if sd > 0 else None)


def _equal_gaussians(name, centres, sd, limits):
    """A Target of equally likely Gaussians, all with standard deviation sd, at the rows of `centres`."""
    count, dim = centres.shape

    def draw(n, rng):
        which = torch.randint(count, (n,), generator=rng, device=rng.device)
        return centres.to(rng.device)[which] + sd * torch.randn(n, dim, generator=rng, device=rng.device)

    sds, weights = torch.full((count,), float(sd)), torch.full((count,), 1 / count)
    log_density = functools.partial(_log_gaussians, centres=centres, sds=sds, weights=weights)
    return Target(name, dim, limits, centres, float(sd), draw, log_density)


def _log_gaussians(x, centres, sds, weights):
    """The logarithm of sum_k weights_k N(x; centres_k, sds_k^2 I), for each row of x."""
    dim = centres.shape[1]
    if not torch.is_tensor(x) or not x.is_floating_point():
        raise TypeError("x must be a tensor of floats.")
    if x.ndim != 2 or x.shape[1] != dim:
        shape = tuple(x.shape)
        raise ValueError(f"x must have shape (n, {dim}), one point a row, but has shape {shape}.")
    centres, sds, weights = centres.to(x), sds.to(x), weights.to(x)
    # the exact mode: the faster one subtracts large numbers, which shows when sd is small
    distance = torch.cdist(x, centres, compute_mode="donot_use_mm_for_euclid_dist")
    log_height = weights.log() - dim * (sds.log() + 0.5 * math.log(2 * math.pi))
    # summed as logarithms, because exp would be 0 far from every centre
    return torch.logsumexp(log_height - 0.5 * (distance / sds) ** 2, dim=1)


def _limits(low, high, sd=0.0):
    """For each dimension (low, high), widened by 4 sd and then by a twentieth of the width on either side."""
    limits = []
    for a, b in zip(low, high):
        margin = (4 * sd + (b - a + 8 * sd) / 20) or 1.0  # 1 around a lone point: an axis needs a length
        limits.append((a - margin, b + margin))
    return tuple(limits)


def _check_count(name, number):
    if not isinstance(number, int) or isinstance(number, bool) or number < 1:
        raise ValueError(f"{name} must be a whole number of at least 1, but is {number!r}.")


def _check_positive(name, number):
    if not isinstance(number, (int, float)) or not 0 < number < math.inf:
        raise ValueError(f"{name} must be a number greater than 0, but is {number!r}.")


def _check_not_negative(name, number):
    if not isinstance(number, (int, float)) or not 0 <= number < math.inf:
        raise ValueError(f"{name} must be a number, 0 or greater, but is {number!r}.")
