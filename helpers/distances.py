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

FEW_COLUMNS = 3  # up to here distances come from differences, exactly; above, from fast matrix products
BLOCK = 2**17, 2**24  # pairs that are worked on at a time, on a processor (they stay in its cache) and on a GPU
LARGEST_ASSIGNMENT = 10_000  # points of each sample that are assigned to one another: some minutes
LARGEST_COPIES = 4000  # points when unequal sizes are made equal by taking every point several times: seconds
LARGEST_PLAN = 200_000  # pairs that the linear programme takes on: some ten seconds


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

    The same number several times faster and with little memory: it never holds a whole (n, m) matrix, and works
    out its gradient on the way. It can be differentiated once. Used by `mmd2`, which checks its arguments.
    """
    bandwidths = (bandwidth,) if isinstance(bandwidth, int | float) else tuple(bandwidth)
    itself = y is x
    if not torch.is_grad_enabled():
        x, y = x.detach(), y.detach()
    return _KernelSum.apply(x, None if itself else y, bandwidths)


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
    dimension: on a line by sorting, for equal sizes by the cheapest assignment, also if taking every point
    several times makes them equal; else by a linear programme, to seven digits.
    Two samples of one distribution are not at distance 0: set `wasserstein_floor` beside it.
    Raises TypeError or ValueError for other shapes, and for sizes too large.
    Source: Kantorovich 1942; SciPy computes it. Taught in lesson 4 (on a line) and lesson 10.
    """
    x, y = _rows(x, "x"), _rows(y, "y")
    n, m = len(x), len(y)
    _check_sizes(x, y)
    if x.shape[1] == 1:
        return _wasserstein_on_a_line(x[:, 0], y[:, 0])
    distances, size = cdist(x, y), math.lcm(n, m)
    if size <= max(LARGEST_COPIES, n if n == m else 0):
        return _cheapest_assignment(distances.repeat(size // n, axis=0).repeat(size // m, axis=1))
    return _cheapest_plan(distances)


def wasserstein_floor(target, n, rng, repeats=5):
    """What `wasserstein1` says about two independent samples of one distribution: its mean over some repeats.

    target: a Target, n: points in each sample, rng: a torch.Generator. No sampler can be expected below it.
    Raises ValueError for fewer than one repeat.
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
    """kernel_sum with its gradient by hand: a pair pulls x towards y by k (y - x) / sigma^2, and y as much back.

    It goes through the pairs in blocks of some rows. y None: x with itself; then of (i, j) and (j, i) only one is
    worked out, and everything doubled in the end.
    """

    @staticmethod
    def forward(ctx, x, y, bandwidths):
        itself, needs, dtype = y is None, ctx.needs_input_grad[:2], x.dtype
        centre = (x if itself else y).mean(dim=0)  # far from the origin, few digits are left for differences
        x = _with_enough_digits(x - centre, bandwidths)
        y = x if itself else (y - centre).to(x.dtype)
        total, pull_x = x.new_zeros(()), torch.zeros_like(x)
        pull_y = pull_x if itself else torch.zeros_like(y)
        n_rows = max(1, BLOCK[x.device.type != "cpu"] // len(y))
        for first in range(0, len(x), n_rows):
            rows, columns = slice(first, first + n_rows), slice(first if itself else 0, None)
            kernel, pull = _kernel_and_pull(x[rows], y[columns], bandwidths, itself, any(needs))
            total += kernel
            if pull is not None:
                of_x, of_y = _pulled(pull, x[rows], y[columns], needs[0], needs[1] or itself)
                pull_x[rows] += of_x
                pull_y[columns] += of_y
        times = (2 if itself else 1) / len(bandwidths)
        pulls = [pull_x] if itself else [pull_x, pull_y]
        ctx.save_for_backward(*(pull.mul_(times).to(dtype) for pull in pulls))
        return (times * total).to(dtype)

    @staticmethod
    def backward(ctx, upstream):
        if torch.is_grad_enabled():  # create_graph=True
            raise RuntimeError("mmd2 has no second derivative: write it with gaussian_kernel if you need one.")
        pulls = [upstream * pull for pull in ctx.saved_tensors] + [None]
        return pulls[0], pulls[1], None


def _kernel_and_pull(a, b, bandwidths, itself, needed):
    """The sum of all kernels of all pairs, and sum_sigma k / sigma^2 for each pair, an (n, m) matrix, or None.

    itself: the first rows of b are those of a. Such pairs come twice, in both orders, and count half.
    """
    exponent = _exponent(a, b)
    if itself:
        exponent.fill_diagonal_(0)
    lowest, total, pull = exponent.min().item(), 0, None
    for sigma in bandwidths:
        kernel = _exp_(exponent / sigma**2, lowest / sigma**2)
        total = total + kernel.sum()
        if itself:
            total = total - kernel[:, :len(a)].sum() / 2
        if needed:
            kernel.div_(sigma**2)
            pull = kernel if pull is None else pull.add_(kernel)
    if needed and itself:
        pull[:, :len(a)].mul_(0.5).fill_diagonal_(0)  # nothing pulls itself
    return total, pull


def _with_enough_digits(x, bandwidths):
    """x, or x in float64 where the products of `_exponent` need it: for many columns and a narrow kernel."""
    lost = torch.finfo(x.dtype).eps * x.square().sum(dim=1).max() if x.shape[1] > FEW_COLUMNS else 0
    return x.double() if lost > 1e-4 * min(bandwidths) ** 2 else x


def _exponent(a, b):
    """(n, m): minus half the squared distance of each row of a from each of b."""
    if a.shape[1] > FEW_COLUMNS:
        exponent = torch.addmm(b.square().sum(dim=1), a, b.T, beta=-0.5)
        return exponent.sub_(a.square().sum(dim=1, keepdim=True), alpha=0.5).clamp_(max=0)
    squared = 0
    for from_, to in zip(a.T, b.T):
        squared = (to - from_[:, None]).square_().add_(squared)
    return squared.mul_(-0.5)


def _exp_(exponent, lowest):
    """e to the exponent, in place; lowest: the smallest exponent. Below e^-80 it is 0."""
    if lowest > -80:
        return exponent.exp_()
    # torch.exp is a hundred times slower below -87. What is clamped must not stay: divided by a tiny sigma^2 it
    # would be no small pull
    return torch.nn.functional.threshold_(exponent.clamp_(min=-80).exp_(), 1e-34, 0.0)


def _pulled(pull, a, b, needs_a, needs_b):
    """Where the rows of a are pulled, and where those of b, each the sum over all rows of the other."""
    if a.shape[1] > FEW_COLUMNS:
        return (pull @ b - pull.sum(dim=1, keepdim=True) * a if needs_a else 0,
                pull.T @ a - pull.sum(dim=0)[:, None] * b if needs_b else 0)
    parts = [(to - from_[:, None]).mul_(pull) for from_, to in zip(a.T, b.T)]
    return (torch.stack([part.sum(dim=1) for part in parts], dim=1),
            torch.stack([-part.sum(dim=0) for part in parts], dim=1))


def _wasserstein_on_a_line(x, y):
    """Sort both and pair them; for unequal sizes, the area between the two distribution functions."""
    if len(x) == len(y):
        return float(np.abs(np.sort(x) - np.sort(y)).mean())
    return float(wasserstein_distance(x, y))


def _cheapest_assignment(costs):
    """The mean cost when each row gets a column of its own, in the cheapest way. costs: (n, n)."""
    left = costs / (costs.max() or 1.0)
    left -= left.mean(axis=1, keepdims=True)
    left -= left.mean(axis=0)
    if len(costs) >= 300 and left.std() > 1e-6:
        # what is taken off a whole row or column makes no difference to which assignment is cheapest; with nearly
        # the right prices taken off, SciPy finds it ten times faster where the clouds differ much (at 2,000 points)
        prices_of_rows, prices_of_columns = _prices(torch.as_tensor(left, dtype=torch.float32))
        left -= prices_of_rows[:, None]
        left -= prices_of_columns
    rows, columns = linear_sum_assignment(left)
    return float(costs[rows, columns].mean())


def _prices(costs):
    """Nearly the right prices of rows and columns, by 15 Sinkhorn iterations at falling temperature.

    Right prices leave no cost below 0, and 0 for each pair of the cheapest assignment (Cuturi 2013).
    """
    columns = torch.zeros(len(costs))
    for temperature in (costs.std().item() * np.geomspace(1, 0.001, 15)).tolist():
        rows = _soft_minimum(costs - columns, 1, temperature)
        columns = _soft_minimum(costs - rows[:, None], 0, temperature)
    return rows.double().numpy(), columns.double().numpy()


def _soft_minimum(values, dim, temperature):
    """-t log sum exp(-values / t), which overwrites the values: their minimum, and less where others are near."""
    least = values.amin(dim, keepdim=True)
    weights = values.sub_(least).mul_(-1 / temperature).clamp_(min=-80).exp_()
    return least.squeeze(dim) - temperature * weights.sum(dim).log()


def _cheapest_plan(distances):
    """The cost of the cheapest transport plan between equally heavy rows and equally heavy columns."""
    n, m = distances.shape
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
    _check_columns(x, y)
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


def _check_columns(x, y):
    if x.shape[1] != y.shape[1]:
        raise ValueError(f"x has {x.shape[1]} columns but y has {y.shape[1]}: they need the same number.")


def _check_sizes(x, y):
    """Raises unless x (n, d) and y (m, d) have one d, and few enough points to be assigned."""
    n, m = len(x), len(y)
    _check_columns(x, y)
    if x.shape[1] == 1:
        return
    if n == m and n > LARGEST_ASSIGNMENT:
        raise ValueError(f"{n:,} points are too many: compare at most {LARGEST_ASSIGNMENT:,} of each sample.")
    if n != m and n * m > LARGEST_PLAN and math.lcm(n, m) > LARGEST_COPIES:
        raise ValueError(f"{n:,} against {m:,} points are too much work: compare equally many of both samples.")


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
