"""Distances between two clouds of points, and between two lists of probabilities. Taught in lesson 4.

A cloud is a float tensor (n, d), one sample a row; no distance here asks which point belongs to which.
"""

import math
from collections.abc import Sequence

import numpy as np
import torch
from scipy.optimize import linear_sum_assignment, linprog
from scipy.sparse import csr_array
from scipy.spatial.distance import cdist
from scipy.stats import wasserstein_distance

FEW_COLUMNS = 16  # up to here distances come from differences, exactly; above, from one fast matrix product
LARGEST_PLAN = 1_000_000  # entries of a transport plan that the linear programme takes on: some ten seconds


def gaussian_kernel(x, y, bandwidth):
    """How much each point of x and each of y are the same place: 1 if equal, near 0 when far apart.

    x: (n, d), y: (m, d). bandwidth: sigma in exp(-|x - y|^2 / (2 sigma^2)), in the units of x; for a list of
    several, the mean of their kernels. Returns (n, m), differentiable in x and y.
    Raises ValueError or TypeError for other shapes, types and bandwidths. Taught in lesson 4.
    """
    _check_clouds(x, y)
    _check_bandwidth(bandwidth)
    squared = (x[:, None, :] - y[None, :, :]).square().sum(dim=2)
    bandwidths = [bandwidth] if isinstance(bandwidth, int | float) else bandwidth
    # below e^-80 nothing is left, and torch.exp is a hundred times slower there
    kernels = [torch.exp((-squared / sigma**2 / 2).clamp(min=-80)) for sigma in bandwidths]
    return sum(kernels) / len(kernels)


def kernel_sum(x, y, bandwidth):
    """The sum of gaussian_kernel(x, y, bandwidth) over all pairs, a scalar with its gradient in x and y.

    The same number several times faster: it never holds more than three (n, m) matrices, and computes its
    gradient on the way. It can be differentiated once. Used by `mmd2`.
    """
    bandwidths = (bandwidth,) if isinstance(bandwidth, int | float) else tuple(bandwidth)
    return _KernelSum.apply(x, y, bandwidths)


def mmd2(x, y, bandwidth, biased=False):
    """The squared maximum mean discrepancy between two samples: near 0 for one distribution, else positive.

    x: (n, d), y: (m, d), at least two points each. bandwidth: sigma of the Gaussian kernel, in the units of
    x, or a list of several, whose kernels are averaged. Returns a scalar tensor, differentiable in x and y.
    The estimate is unbiased, and therefore may be slightly negative; biased=True counts each point's equality
    with itself too: never negative, and above 0 even for one distribution.
    Raises ValueError or TypeError for other shapes, types and bandwidths.
    Source: Gretton et al. 2012, eq. (3) and (5). Taught in lesson 4.
    """
    _check_clouds(x, y, at_least=2)
    _check_bandwidth(bandwidth)
    n, m = len(x), len(y)
    xx, yy = kernel_sum(x, x, bandwidth), kernel_sum(y, y, bandwidth)
    xy = kernel_sum(x, y, bandwidth)
    if biased:
        return xx / n**2 + yy / m**2 - 2 * xy / (n * m)
    # without the diagonal: that each point equals itself says nothing about the cloud
    return (xx - n) / (n * (n - 1)) + (yy - m) / (m * (m - 1)) - 2 * xy / (n * m)


def witness(points, x, y, bandwidth):
    """Where the clouds differ: above 0 near points that x has more of, below 0 where y has more.

    points: (k, d) places to ask about, x: (n, d), y: (m, d). Returns (k,): the mean kernel with x minus the
    mean kernel with y. Its mean over x minus its mean over y is the biased `mmd2`. Taught in lesson 4.
    """
    to_x, to_y = gaussian_kernel(points, x, bandwidth), gaussian_kernel(points, y, bandwidth)
    return to_x.mean(dim=1) - to_y.mean(dim=1)


def median_bandwidth(x, y=None):
    """The median distance between two points, x and y taken together: a first guess for a bandwidth.

    x: (n, d), y: (m, d) or None; a float in the units of x. Raises ValueError for a single point, and when more
    than half of the distances are 0. Taught in lesson 4.
    """
    _check_clouds(x, x if y is None else y)
    points = x if y is None else torch.cat([x, y])
    _check_clouds(points, points, at_least=2)
    median = torch.nn.functional.pdist(points.detach()).median().item()
    if median == 0:
        raise ValueError("the median distance is 0, because most points are equal: choose a bandwidth yourself.")
    return median


def wasserstein1(x, y):
    """The Wasserstein-1 distance: how far points of x travel on average, at the least, to become those of y.

    x: (n, d), y: (m, d), tensors or arrays, also (n,) on a line. A float in the units of x, exact in any
    dimension: on a line by sorting, for equal sizes by the cheapest assignment, else by a linear programme.
    Two samples of one distribution are not at distance 0: set `wasserstein_floor` beside it.
    Raises ValueError or TypeError for other shapes, and for unequal sizes too large for the programme.
    Source: Kantorovich 1942; SciPy computes it. Taught in lesson 4 (on a line) and lesson 10.
    """
    x, y = _rows(x, "x"), _rows(y, "y")
    if x.shape[1] != y.shape[1]:
        raise ValueError(f"x has {x.shape[1]} columns but y has {y.shape[1]}: they need the same number.")
    if x.shape[1] == 1:
        return _wasserstein_on_a_line(x[:, 0], y[:, 0])
    distances = cdist(x, y)
    if len(x) == len(y):
        rows, columns = linear_sum_assignment(distances)
        return float(distances[rows, columns].mean())
    return _cheapest_plan(distances)


def wasserstein_floor(target, n, rng, repeats=5):
    """What `wasserstein1` says about two independent samples of one distribution: its mean over some repeats.

    target: a Target, n: points in each sample, rng: a torch.Generator. No sampler can be expected below it.
    """
    if not isinstance(repeats, int) or repeats < 1:
        raise ValueError(f"repeats must be a whole number of at least 1; got {repeats!r}.")
    pairs = ((target.sample(n, rng), target.sample(n, rng)) for _ in range(repeats))
    return float(np.mean([wasserstein1(x, y) for x, y in pairs]))


def kullback_leibler(p, q):
    """The Kullback-Leibler divergence KL(p || q), in nats: the mean of log(p/q) where p lies.

    p, q: probabilities of the same cells, not negative, with sum 1. Infinite if q is 0 in a cell where p is
    not; not symmetric. Raises ValueError for anything else. Taught in lesson 4.
    """
    p, q = _probabilities(p, q)
    there = p > 0
    with np.errstate(divide="ignore"):
        return float(np.sum(p[there] * np.log(p[there] / q[there])))


def jensen_shannon(p, q):
    """The Jensen-Shannon divergence, in nats: the mean KL of p and of q from their half-and-half mixture.

    p, q: as for `kullback_leibler`. Between 0 and log 2; log 2 whenever no cell is shared. Taught in lesson 4.
    """
    p, q = _probabilities(p, q)
    middle = (p + q) / 2
    return (kullback_leibler(p, middle) + kullback_leibler(q, middle)) / 2


class _KernelSum(torch.autograd.Function):
    """kernel_sum with its gradient by hand: d k / d x = k (y - x) / sigma^2, summed over the other cloud."""

    @staticmethod
    def forward(ctx, x, y, bandwidths):
        itself = x.data_ptr() == y.data_ptr() and x.shape == y.shape
        centre = y.mean(dim=0)  # far from the origin, products would leave no digits for differences
        x, y = x - centre, y - centre
        distances = _distances(x, y, itself)
        farthest, needs = distances.max().item(), any(ctx.needs_input_grad[:2])
        total, pull = 0.0, None
        for sigma in bandwidths:
            # the last one may overwrite the distances
            scaled = distances.div_(sigma) if sigma is bandwidths[-1] else distances / sigma
            kernel = scaled.square_().mul_(-0.5)
            if farthest / sigma < 12:
                kernel.exp_()
            else:  # torch.exp is a hundred times slower below -87; e^-80 then stands for nothing at all
                torch.nn.functional.threshold_(kernel.clamp_(min=-80).exp_(), 1e-34, 0.0)
            total = total + kernel.sum() / len(bandwidths)
            if needs:
                kernel.mul_(1 / len(bandwidths) / sigma**2)
                pull = kernel if pull is None else pull.add_(kernel)
        gradients = [None, None]
        if ctx.needs_input_grad[0]:
            gradients[0] = pull @ y - pull.sum(dim=1, keepdim=True) * x
        if ctx.needs_input_grad[1]:
            gradients[1] = pull.T @ x - pull.sum(dim=0)[:, None] * y
        ctx.save_for_backward(*gradients)
        return total

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, upstream):
        return *(None if gradient is None else upstream * gradient for gradient in ctx.saved_tensors), None


def _distances(x, y, itself):
    """(n, m) distances between the points of x and of y; exactly 0 from a point to itself."""
    if x.shape[1] <= FEW_COLUMNS:
        return torch.cdist(x, y, compute_mode="donot_use_mm_for_euclid_dist")
    distances = torch.cdist(x, y, compute_mode="use_mm_for_euclid_dist")
    return distances.fill_diagonal_(0) if itself else distances


def _wasserstein_on_a_line(x, y):
    """Sort both and pair them; for unequal sizes, the area between the two distribution functions."""
    if len(x) == len(y):
        return float(np.abs(np.sort(x) - np.sort(y)).mean())
    return float(wasserstein_distance(x, y))


def _cheapest_plan(distances):
    """The cost of the cheapest transport plan between equally heavy rows and equally heavy columns."""
    n, m = distances.shape
    if n * m > LARGEST_PLAN:
        raise ValueError(f"{n} against {m} points is too much for the linear programme, which takes on "
                         f"{LARGEST_PLAN:,} pairs: compare equally many of both.")
    cells = np.arange(n * m)
    # row i of the plan must carry away 1/n, column j must receive 1/m
    sums = csr_array((np.ones(2 * n * m), (np.concatenate([cells // m, n + cells % m]), np.tile(cells, 2))))
    amounts = np.concatenate([np.full(n, 1 / n), np.full(m, 1 / m)])
    solution = linprog(distances.ravel(), A_eq=sums, b_eq=amounts, method="highs")
    if not solution.success:
        raise RuntimeError(f"the linear programme found no plan: {solution.message}")
    return float(solution.fun)


def _check_clouds(x, y, at_least=1):
    """Raises unless x and y are finite float tensors (n, d) and (m, d) of one kind, with enough points."""
    for name, cloud in (("x", x), ("y", y)):
        if not isinstance(cloud, torch.Tensor):
            raise TypeError(f"{name} must be a tensor, but is {_kind(cloud)}: torch.as_tensor makes one.")
        if not cloud.is_floating_point():
            raise TypeError(f"{name} must hold floats, but holds {cloud.dtype}: write {name}.float().")
        if cloud.ndim != 2 or cloud.shape[1] == 0:
            advice = f" Points on a line: {name}[:, None]." if cloud.ndim == 1 else ""
            raise ValueError(f"{name} must have shape (n, d), one point a row; it has {tuple(cloud.shape)}.{advice}")
        if len(cloud) < at_least:
            raise ValueError(f"{name} needs at least {at_least} points, but has {len(cloud)}.")
        if not cloud.isfinite().all():
            raise ValueError(f"{name} must be finite, but some of its numbers are infinite or not numbers.")
    if x.shape[1] != y.shape[1]:
        raise ValueError(f"x has {x.shape[1]} columns but y has {y.shape[1]}: they need the same number.")
    if x.dtype != y.dtype or x.device != y.device:
        raise TypeError(f"x is {x.dtype} on {x.device} but y is {y.dtype} on {y.device}: write y.to(x).")


def _check_bandwidth(bandwidth):
    """Raises unless it is a positive number or a list of them."""
    several = isinstance(bandwidth, Sequence) and not isinstance(bandwidth, str)
    if not several and not _is_number(bandwidth):
        raise TypeError(f"bandwidth must be a number or a list of numbers, but is {_kind(bandwidth)}.")
    if several and len(bandwidth) == 0:
        raise ValueError("the list of bandwidths is empty: it needs at least one.")
    for sigma in bandwidth if several else [bandwidth]:
        if not _is_number(sigma):
            raise TypeError(f"each bandwidth must be a number, but one is {_kind(sigma)}.")
        if not 1e-15 <= sigma <= 1e15:  # beyond, float32 cannot hold sigma squared
            raise ValueError(f"a bandwidth must be positive, from 1e-15 to 1e15, but is {sigma!r}.")


def _is_number(value):
    return isinstance(value, int | float) and not isinstance(value, bool)


def _kind(value):
    return f"of type {type(value).__name__}" if value is not None else "None"


def _rows(points, name):
    """The points as a float64 array (n, d), n and d at least 1, finite."""
    points = points.detach().cpu().numpy() if isinstance(points, torch.Tensor) else np.asarray(points)
    if points.dtype.kind not in "fiu":
        raise TypeError(f"{name} must hold numbers.")
    points = points.astype(np.float64)
    points = points[:, None] if points.ndim == 1 else points
    if points.ndim != 2 or 0 in points.shape:
        raise ValueError(f"{name} must have shape (n, d), one point a row; it has shape {points.shape}.")
    if not np.isfinite(points).all():
        raise ValueError(f"{name} must be finite, but some of its numbers are infinite or not numbers.")
    return points


def _probabilities(p, q):
    """Both as float64 arrays of one length; raises unless each is not negative and sums to 1."""
    arrays = []
    for name, numbers in (("p", p), ("q", q)):
        array = np.asarray(numbers.detach().cpu() if isinstance(numbers, torch.Tensor) else numbers)
        if array.dtype.kind not in "fiu" or array.ndim != 1 or len(array) == 0:
            raise ValueError(f"{name} must be one list of probabilities, a number for each cell.")
        array = array.astype(np.float64)
        if not (array >= 0).all():
            raise ValueError(f"{name} must be probabilities, but its smallest number is {array.min():.6g}.")
        if not math.isclose(array.sum(), 1, abs_tol=1e-5):
            raise ValueError(f"{name} must be probabilities, but they sum to {array.sum():.6g} instead of 1.")
        arrays.append(array)
    if len(arrays[0]) != len(arrays[1]):
        raise ValueError(f"p has {len(p)} cells but q has {len(q)}: both need the same cells.")
    return arrays
