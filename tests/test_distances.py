"""Distances against closed forms, double loops, automatic differentiation, and other people's programs."""

import math

import numpy as np
import ot
import pytest
import torch
from geomloss import SamplesLoss
from scipy.optimize import linprog
from scipy.stats import wasserstein_distance

from helpers import distances
from helpers.distances import gaussian_kernel, jensen_shannon, kullback_leibler, mmd2, wasserstein1, witness
from helpers.distributions import ring, two_moons

LISTS = [0.1, 0.5, 2.0]
ZEROS = torch.zeros(3, 2)


def cloud(n, d, seed=0, shift=0.0, dtype=torch.float32):
    return torch.randn(n, d, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).add(shift).to(dtype)


def by_double_loop(x, y, bandwidths, biased):
    """The definition, one pair at a time, in float64."""
    def mean_kernel(a, b, skip_diagonal):
        values = [np.mean([math.exp(-float(((p - q) ** 2).sum()) / (2 * sigma**2)) for sigma in bandwidths])
                  for i, p in enumerate(a) for j, q in enumerate(b) if not (skip_diagonal and i == j)]
        return math.fsum(values) / len(values)

    x, y = x.double().numpy(), y.double().numpy()
    return mean_kernel(x, x, not biased) + mean_kernel(y, y, not biased) - 2 * mean_kernel(x, y, False)


# mmd2: what it says

@pytest.mark.parametrize("biased", [False, True])
@pytest.mark.parametrize("bandwidths", [(0.7,), LISTS])
@pytest.mark.parametrize("d", [1, 2, 3, 5, 40])
def test_mmd2_is_the_double_loop(d, bandwidths, biased):
    x, y = cloud(13, d), cloud(17, d, seed=1, shift=0.5)
    given = bandwidths if len(bandwidths) > 1 else bandwidths[0]
    assert mmd2(x, y, given, biased).item() == pytest.approx(by_double_loop(x, y, bandwidths, biased), abs=3e-6)
    exact = mmd2(x.double(), y.double(), given, biased).item()
    assert exact == pytest.approx(by_double_loop(x, y, bandwidths, biased), abs=1e-13)


def test_blocks_do_not_change_the_sum(monkeypatch):
    x, y = cloud(50, 2, dtype=torch.float64), cloud(31, 2, seed=1, dtype=torch.float64)
    whole = mmd2(x, y, LISTS).item()
    monkeypatch.setattr(distances, "BLOCK", (100, 100))
    assert mmd2(x, y, LISTS).item() == pytest.approx(whole, abs=1e-14)


@pytest.mark.parametrize("first, second, exact", [
    (((0.0,), 1.0), ((1.0,), 1.0), 0.17726763491986186),
    (((0.0,), 1.0), ((0.0,), 2.0), 0.09418702159523296),
    (((0.0, 0.0), 1.0), ((1.0, 0.0), 1.0), 0.10234551673959058),
    (((0.0,), 1.0), ((0.0,), 1.0), 0.0),
])
def test_mmd2_is_unbiased_for_gaussians(first, second, exact):
    """Closed forms at bandwidth 1; the mean of 400 estimates lies within three standard errors."""
    rng = torch.Generator().manual_seed(3)

    def draw(mean, sd):
        return torch.randn(60, len(mean), generator=rng) * sd + torch.tensor(mean)

    estimates = np.array([mmd2(draw(*first), draw(*second), 1.0).item() for _ in range(400)])
    assert abs(estimates.mean() - exact) < 3 * estimates.std(ddof=1) / math.sqrt(len(estimates))


def test_under_equality_the_biased_one_is_too_large_and_the_other_often_negative():
    rng = torch.Generator().manual_seed(4)
    pairs = [torch.randn(2, 200, 1, generator=rng) for _ in range(300)]
    biased = np.array([mmd2(x, y, 1.0, biased=True).item() for x, y in pairs])
    assert biased.min() > 0
    assert abs(biased.mean() - 0.004226) < 3 * biased.std() / math.sqrt(300)
    negative = np.mean([mmd2(x, y, 1.0).item() < 0 for x, y in pairs])
    assert 0.58 < negative < 0.76  # 67 % of all pairs; three standard errors are 8 %


@pytest.mark.parametrize("d", [1, 2, 10, 100])
def test_mmd2_of_a_shift_in_many_dimensions(d):
    exact = {1: 0.16617, 2: 0.10661, 10: 0.027905, 100: 0.0030064}[d]
    rng = torch.Generator().manual_seed(5)
    shift = torch.eye(d)[0]
    estimates = np.array([mmd2(torch.randn(100, d, generator=rng), torch.randn(100, d, generator=rng) + shift,
                               math.sqrt(2 * d)).item() for _ in range(200)])
    assert abs(estimates.mean() - exact) < 3 * estimates.std(ddof=1) / math.sqrt(200)


@pytest.mark.parametrize("d", [2, 30])
def test_mmd2_agrees_with_geomloss(d):
    x, y = cloud(80, d), cloud(60, d, seed=1, shift=0.3)
    theirs = SamplesLoss("gaussian", blur=1.5, backend="tensorized")(x, y)  # half the biased squared MMD
    assert mmd2(x, y, 1.5, biased=True).item() == pytest.approx(2 * theirs.item(), rel=1e-4)


def test_two_single_heaps_give_the_closed_form():
    x, y = torch.zeros(4, 1), torch.full((5, 1), 1.3)
    assert mmd2(x, y, 0.8).item() == pytest.approx(2 * (1 - math.exp(-1.3**2 / (2 * 0.8**2))), rel=1e-6)


# mmd2: its gradient

@pytest.mark.parametrize("d", [1, 2, 5])
@pytest.mark.parametrize("biased", [False, True])
def test_gradient_is_that_of_finite_differences(d, biased):
    x = cloud(6, d, dtype=torch.float64).requires_grad_()
    y = cloud(7, d, seed=1, dtype=torch.float64).requires_grad_()
    assert torch.autograd.gradcheck(lambda x, y: mmd2(x, y, LISTS, biased), (x, y))
    assert torch.autograd.gradcheck(lambda x: mmd2(x, y.detach(), 0.5, biased), (x,))
    assert torch.autograd.gradcheck(lambda y: mmd2(x.detach(), y, 0.5, biased), (y,))


def test_gradient_is_that_of_the_taught_kernel():
    x, y = cloud(300, 2).requires_grad_(), cloud(200, 2, seed=1, shift=1.0)
    n, m = len(x), len(y)
    kernel_x, kernel_y = gaussian_kernel(x, x, LISTS), gaussian_kernel(y, y, LISTS)
    plain = ((kernel_x.sum() - n) / (n * (n - 1)) + (kernel_y.sum() - m) / (m * (m - 1))
             - 2 * gaussian_kernel(x, y, LISTS).mean())
    theirs, = torch.autograd.grad(plain, x)
    ours, = torch.autograd.grad(mmd2(x, y, LISTS), x)
    assert torch.allclose(ours, theirs, atol=2e-7)
    assert mmd2(x, y, LISTS).item() == pytest.approx(plain.item(), abs=1e-6)


def test_force_between_two_heaps_peaks_at_the_bandwidth():
    def force(t):
        x = torch.tensor([[t], [t]], dtype=torch.float64, requires_grad=True)
        mmd2(x, torch.zeros(2, 1, dtype=torch.float64), 0.8, biased=True).backward()
        return x.grad.sum().item()

    for t in (0.1, 0.8, 3.0):
        assert force(t) == pytest.approx(2 * t / 0.8**2 * math.exp(-t**2 / (2 * 0.8**2)), rel=1e-9)
    assert force(0.8) > max(force(0.7), force(0.9))


def test_a_second_derivative_is_refused_not_wrong():
    x = cloud(5, 2).requires_grad_()
    with pytest.raises(RuntimeError, match="no second derivative: write it with gaussian_kernel"):
        torch.autograd.grad(mmd2(x, cloud(5, 2, seed=1), 1.0), x, create_graph=True)


def test_no_gradient_is_made_where_none_is_asked_for():
    assert not mmd2(cloud(5, 2), cloud(5, 2), 1.0).requires_grad
    with torch.no_grad():
        assert not mmd2(cloud(5, 2).requires_grad_(), cloud(5, 2), 1.0).requires_grad


# mmd2: hard inputs

@pytest.mark.parametrize("d", [2, 20])
@pytest.mark.parametrize("bandwidth", [1e-15, 1e-6, 0.01, 100.0, 1e6, 1e15])
def test_extreme_bandwidths_give_small_numbers_and_never_nan(d, bandwidth):
    x, y = cloud(40, d).requires_grad_(), cloud(40, d, seed=1)
    value = mmd2(x, y, bandwidth)
    value.backward()
    assert abs(value.item()) < 1e-2
    assert x.grad.isfinite().all() and x.grad.abs().max() < 1


def test_far_pairs_cost_no_more_than_near_ones():
    """No entry reaches torch.exp below -87, where it is a hundred times slower: the smallest one is -80."""
    lowest = []
    exp = torch.Tensor.exp_

    def watched(self):
        lowest.append(self.min().item())
        return exp(self)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.Tensor, "exp_", watched)
        mmd2(cloud(50, 2), cloud(50, 2, shift=1000.0), 0.1)
    assert len(lowest) >= 3 and min(lowest) >= -80


@pytest.mark.parametrize("d", [2, 10])
def test_clouds_far_from_the_origin_lose_no_digits(d):
    x, y = cloud(100, d, dtype=torch.float64), cloud(100, d, seed=1, shift=0.5, dtype=torch.float64)
    near = mmd2(x, y, 0.7).item()
    offset = 2.0**16
    far = mmd2((x + offset).float(), (y + offset).float(), 0.7).item()
    rounded = mmd2((x + offset).float().double(), (y + offset).float().double(), 0.7).item()
    assert far == pytest.approx(rounded, abs=1e-5)
    assert far == pytest.approx(near, abs=2e-3)


def test_a_narrow_kernel_in_many_dimensions_is_worked_out_exactly():
    x = 30 * cloud(20, 50)
    y = x + 0.001 * cloud(20, 50, seed=1)
    assert mmd2(x, y, 0.01).item() == pytest.approx(by_double_loop(x, y, [0.01], False), abs=1e-3)


def test_equal_points_are_no_trouble():
    x = torch.ones(5, 2, requires_grad=True)
    value = mmd2(x, torch.ones(4, 2), [0.1, 1.0])
    value.backward()
    assert value.item() == pytest.approx(0, abs=1e-6)
    assert (x.grad == 0).all()


@pytest.mark.parametrize("x, y, bandwidth, error, sentence", [
    ([[0.0]], ZEROS, 1.0, TypeError, "x must be a tensor, but is of type list: torch.as_tensor makes one"),
    (ZEROS, None, 1.0, TypeError, "y must be a tensor, but is None"),
    (ZEROS.long(), ZEROS, 1.0, TypeError, r"x must hold floats, but holds torch.int64: write x.float\(\)"),
    (torch.zeros(3), torch.zeros(3), 1.0, ValueError, r"it has \(3,\). Points on a line: x\[:, None\]"),
    (torch.zeros(3, 2, 1), ZEROS, 1.0, ValueError, r"x must have shape \(n, d\)"),
    (torch.zeros(3, 0), torch.zeros(3, 0), 1.0, ValueError, r"x must have shape \(n, d\)"),
    (torch.zeros(1, 2), ZEROS, 1.0, ValueError, "x needs at least 2 points, but has 1"),
    (ZEROS, torch.zeros(0, 2), 1.0, ValueError, "y needs at least 2 points, but has 0"),
    (ZEROS, torch.zeros(3, 1), 1.0, ValueError, "x has 2 columns but y has 1"),
    (ZEROS, ZEROS.double(), 1.0, TypeError, r"y is torch.float64 on cpu: write y.to\(x\)"),
    (ZEROS + math.nan, ZEROS, 1.0, ValueError, "x must be finite"),
    (ZEROS, ZEROS - math.inf, 1.0, ValueError, "y must be finite"),
    (ZEROS, ZEROS, 0, ValueError, "a bandwidth must be positive, .* but is 0"),
    (ZEROS, ZEROS, [1.0, -2.0], ValueError, "a bandwidth must be positive, .* but is -2.0"),
    (ZEROS, ZEROS, math.nan, ValueError, "a bandwidth must be positive"),
    (ZEROS, ZEROS, math.inf, ValueError, "a bandwidth must be positive"),
    (ZEROS, ZEROS, [], ValueError, "the list of bandwidths is empty"),
    (ZEROS, ZEROS, "1", TypeError, "bandwidth must be a number or a list of numbers, but is of type str"),
    (ZEROS, ZEROS, True, TypeError, "bandwidth must be a number or a list"),
    (ZEROS, ZEROS, [1.0, None], TypeError, "each bandwidth must be a number, but one is None"),
])
def test_bad_input_gets_one_sentence(x, y, bandwidth, error, sentence):
    with pytest.raises(error, match=sentence) as caught:
        mmd2(x, y, bandwidth)
    assert "\n" not in str(caught.value)


# kernel, witness, bandwidth

def test_kernel_of_known_distances():
    x, y = torch.tensor([[0.0, 0.0]]), torch.tensor([[0.0, 0.0], [3.0, 4.0]])
    assert gaussian_kernel(x, y, 5.0)[0].tolist() == pytest.approx([1.0, math.exp(-0.5)])
    assert gaussian_kernel(x, y, [5.0, 10.0])[0, 1].item() == pytest.approx((math.exp(-0.5) + math.exp(-0.125)) / 2)


def test_witness_is_what_the_biased_mmd2_averages():
    x, y = cloud(30, 2), cloud(40, 2, seed=1, shift=1.0)
    at = torch.cat([x, y])
    values = witness(at, x, y, 0.8)
    assert values.shape == (70,)
    assert (values[:30].mean() - values[30:].mean()).item() == pytest.approx(mmd2(x, y, 0.8, biased=True).item(), abs=1e-6)
    assert witness(torch.tensor([[-9.0, -9.0]]), x - 9, y, 0.8) > 0.1 > -0.1 > witness(torch.tensor([[9.0, 9.0]]), x, y + 8, 0.8)


def test_median_bandwidth_is_the_median_distance():
    x = torch.tensor([[0.0], [1.0], [3.0]])
    assert distances.median_bandwidth(x) == 2.0  # of 1, 2, 3
    assert distances.median_bandwidth(x[:2], x[2:]) == 2.0
    with pytest.raises(ValueError, match="most points are equal"):
        distances.median_bandwidth(torch.zeros(4, 1))
    with pytest.raises(ValueError, match="at least 2 points"):
        distances.median_bandwidth(torch.zeros(1, 1))


# Wasserstein-1

def by_linear_programme(x, y):
    """The transport problem as it stands in the textbook, with a dense matrix of constraints."""
    n, m = len(x), len(y)
    costs = np.linalg.norm(x[:, None] - y[None], axis=2)
    rows = np.kron(np.eye(n), np.ones(m))
    columns = np.kron(np.ones(n), np.eye(m))
    amounts = np.r_[np.full(n, 1 / n), np.full(m, 1 / m)]
    return linprog(costs.ravel(), A_eq=np.r_[rows, columns], b_eq=amounts).fun


@pytest.mark.parametrize("n, m, d", [(9, 9, 2), (8, 12, 2), (7, 11, 3), (1, 6, 2), (5, 5, 30)])
def test_wasserstein1_is_the_cheapest_plan(n, m, d):
    x, y = cloud(n, d).double().numpy(), cloud(m, d, seed=1, shift=0.5).double().numpy()
    assert wasserstein1(x, y) == pytest.approx(by_linear_programme(x, y), rel=1e-9)
    assert wasserstein1(y, x) == pytest.approx(wasserstein1(x, y), rel=1e-9)


@pytest.mark.parametrize("n, m", [(400, 400), (300, 600), (211, 307)])
def test_wasserstein1_agrees_with_pot(n, m):
    """Sizes at which prices are taken off first, at which points are copied, and at which a programme is solved."""
    rng = torch.Generator().manual_seed(6)
    x, y = two_moons().sample(n, rng).double(), (ring(radius=1.0).sample(m, rng) + 0.3).double()
    costs = torch.cdist(x, y).numpy()
    theirs = ot.emd2(np.full(n, 1 / n), np.full(m, 1 / m), costs, numItermax=10**6)
    assert wasserstein1(x, y) == pytest.approx(theirs, rel=1e-7)


@pytest.mark.parametrize("n, m", [(50, 50), (50, 70)])
def test_wasserstein1_on_a_line_is_scipys(n, m):
    x, y = cloud(n, 1), cloud(m, 1, seed=1, shift=0.5)
    theirs = wasserstein_distance(x[:, 0].double(), y[:, 0].double())
    assert wasserstein1(x, y) == pytest.approx(theirs, rel=1e-12)
    assert wasserstein1(x[:, 0], y[:, 0].numpy()) == pytest.approx(theirs, rel=1e-12)
    flat = torch.cat([x, torch.zeros(n, 1)], 1), torch.cat([y, torch.zeros(m, 1)], 1)
    assert wasserstein1(*flat) == pytest.approx(theirs, rel=1e-6)


def test_wasserstein1_of_known_clouds():
    heap = torch.zeros(400, 2)
    assert wasserstein1(heap, heap + torch.tensor([3.0, 4.0])) == pytest.approx(5.0, rel=1e-12)
    lines = torch.cat([torch.zeros(400, 1), torch.linspace(0, 1, 400)[:, None]], 1)
    assert wasserstein1(lines, lines + torch.tensor([0.3, 0.0])) == pytest.approx(0.3, rel=1e-6)
    assert wasserstein1(lines, lines.flip(0)) == pytest.approx(0, abs=1e-12)
    assert wasserstein1(np.arange(5), np.arange(5) + 2) == 2


def test_the_floor_of_wasserstein1_is_what_two_samples_have():
    class Normal:
        def sample(self, n, rng):
            return torch.randn(n, 1, generator=rng)

    floor = distances.wasserstein_floor(Normal(), 1000, torch.Generator().manual_seed(7), repeats=60)
    assert floor == pytest.approx(0.057, abs=0.008)
    with pytest.raises(ValueError, match="repeats must be a whole number of at least 1; got 0"):
        distances.wasserstein_floor(Normal(), 10, torch.Generator(), repeats=0)


@pytest.mark.parametrize("x, y, error, sentence", [
    (["a"], [1.0], TypeError, "x must hold numbers"),
    (np.zeros((2, 3, 4)), ZEROS, ValueError, r"x must have shape \(n, d\)"),
    (ZEROS, [], ValueError, "y must"),
    (ZEROS, ZEROS[:, :1], ValueError, "x has 2 columns but y has 1"),
    (ZEROS, [[0.0, math.nan]], ValueError, "y must be finite"),
    (np.zeros((10_001, 2)), np.zeros((10_001, 2)), ValueError, "10,001 points are too many: compare at most 10,000"),
    (np.zeros((701, 2)), np.zeros((702, 2)), ValueError, "compare equally many of both"),
])
def test_wasserstein1_refuses_in_one_sentence(x, y, error, sentence):
    with pytest.raises(error, match=sentence):
        wasserstein1(x, y)


# divergences

def test_divergences_of_known_lists():
    assert kullback_leibler([0.5, 0.5], [0.25, 0.75]) == pytest.approx(0.5 * math.log(2) + 0.5 * math.log(2 / 3))
    assert kullback_leibler([1.0, 0.0], [0.5, 0.5]) == pytest.approx(math.log(2))
    assert kullback_leibler([0.5, 0.5], [1.0, 0.0]) == math.inf
    assert jensen_shannon([1, 0], [0, 1]) == pytest.approx(math.log(2))
    assert jensen_shannon(torch.tensor([0.5, 0.5]), np.array([0.5, 0.5])) == 0


def test_shifted_uniforms_have_the_closed_form():
    cells = 1000
    p = np.r_[np.full(cells, 1 / cells), np.zeros(cells)]
    for t in (0.25, 0.5, 1.0):
        q = np.roll(p, int(t * cells))
        assert jensen_shannon(p, q) == pytest.approx(t * math.log(2), rel=1e-9)
        assert kullback_leibler(p, q) == math.inf


@pytest.mark.parametrize("p, q, sentence", [
    ([0.5, 0.6], [0.5, 0.5], "p must be probabilities, but they sum to 1.1"),
    ([0.5, 0.5], [1.5, -0.5], "q must be probabilities, but its smallest number is -0.5"),
    ([0.5, 0.5], [1.0], "p has 2 cells but q has 1"),
    ([[0.5, 0.5]], [0.5, 0.5], "p must be one list"),
    ([], [], "p must be one list"),
    ([math.nan, 1.0], [0.5, 0.5], "p must be probabilities"),
])
def test_no_probabilities_no_divergence(p, q, sentence):
    for divergence in (kullback_leibler, jensen_shannon):
        with pytest.raises(ValueError, match=sentence):
            divergence(p, q)
