"""Targets against integrals, moments, SciPy and slow second ways."""

import math

import numpy as np
import pytest
import torch
from scipy import stats

from helpers.distributions import from_points, grid, mixture_1d, paw_print, ring, swiss_roll, two_moons

LEAST_P = 1e-6  # a correct sampler falls below this once in a million seeds
POINTS = [[0.0, 0.0], [1.0, 0.0], [0.0, 2.0], [0.0, 2.0]]

TARGETS = {
    "ring": ring,
    "grid": grid,
    "moons": two_moons,
    "roll": swiss_roll,
    "paw": paw_print,
    "mixture": mixture_1d,
    "points": lambda: from_points(POINTS),
    "kernels": lambda: from_points(POINTS, sd=0.3),
    "wide ring": lambda: ring(n_modes=3, radius=1.0, sd=0.5),
    "small grid": lambda: grid(side=1, spacing=1.0, sd=0.2),
    "smooth moons": lambda: two_moons(sd=0.0),
    "one Gaussian": lambda: mixture_1d([1.0], [2.0], [5.0]),
    "3-D": lambda: from_points([[0.0, 0.0, 0.0], [1.0, 2.0, 3.0]], sd=0.5),
}
EVERY = pytest.mark.parametrize("make", TARGETS.values(), ids=TARGETS.keys())


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def density_known(make):
    return make().log_density is not None


@EVERY
def test_shapes_and_types(make):
    target = make()
    samples = target.sample(7, seeded())
    assert samples.shape == (7, target.dim) and samples.dtype == torch.float32
    assert len(target.limits) == target.dim
    assert all(isinstance(end, float) and low < high for low, high in target.limits for end in (low, high))
    assert isinstance(target.name, str) and target.name
    assert target.modes is None or target.modes.shape[1] == target.dim
    if target.log_density is not None:
        assert target.log_density(samples).shape == (7,)
        assert target.log_density(samples.double()).dtype == torch.float64


@EVERY
def test_samples_lie_inside_the_limits(make):
    target = make()
    samples = target.sample(20_000, seeded())
    low, high = torch.tensor(target.limits).T
    assert ((samples > low) & (samples < high)).all(dim=1).float().mean() >= 0.999


@EVERY
def test_the_rng_alone_decides(make):
    target = make()
    before = torch.get_rng_state()
    first = target.sample(50, seeded(1))
    assert torch.equal(before, torch.get_rng_state())
    torch.rand(3)
    assert torch.equal(first, make().sample(50, seeded(1)))
    assert not torch.equal(first, target.sample(50, seeded(2)))
    torch.set_rng_state(before)


@pytest.mark.parametrize("name", [n for n in TARGETS if density_known(TARGETS[n]) and n != "3-D"])
def test_density_integrates_to_1(name):
    target = TARGETS[name]()
    narrowest = target.sd or 0.3
    # the rectangle rule, which is exact to many digits for Gaussians once the step is below the sd
    axes = [torch.arange(low, high, narrowest / 2, dtype=torch.float64) for low, high in target.limits]
    points = torch.cartesian_prod(*axes).reshape(-1, target.dim)
    total = target.log_density(points).exp().sum().item() * (narrowest / 2) ** target.dim
    assert total == pytest.approx(1, abs=5e-4)  # four standard deviations on either side


def slow_log_density(x, centres, sds, weights):
    """By SciPy, one component at a time, in plain densities."""
    total = 0
    for centre, sd, weight in zip(centres, sds, weights):
        total += weight * stats.multivariate_normal(centre, sd**2 * np.eye(len(centre))).pdf(x)
    return np.log(total)


@pytest.mark.parametrize("make, sds, weights", [
    (lambda: ring(sd=0.3), [0.3] * 8, [1 / 8] * 8),
    (lambda: grid(side=3, sd=0.4), [0.4] * 9, [1 / 9] * 9),
    (mixture_1d, [0.5, 0.3, 0.6], [0.3, 0.3, 0.4]),
])  # fmt: skip
def test_log_density_against_scipy(make, sds, weights):
    target = make()
    x = target.sample(200, seeded()).double()
    wanted = slow_log_density(x.numpy(), target.modes.double().numpy(), sds, weights)
    np.testing.assert_allclose(target.log_density(x).numpy(), wanted, atol=1e-6)
    np.testing.assert_allclose(target.log_density(x.float()).numpy(), wanted, atol=2e-4)


def test_log_density_of_points_against_scipy():
    target = from_points(POINTS, sd=0.3)
    x = target.sample(100, seeded()).double()
    np.testing.assert_allclose(target.log_density(x).numpy(), slow_log_density(x.numpy(), POINTS, [0.3] * 4, [0.25] * 4), atol=1e-6)


def test_log_density_golden_values():
    at_a_mode = math.log(1 / 8 / (2 * math.pi * 0.05**2))  # the neighbours are 30 sd away
    assert ring().log_density(torch.tensor([[2.0, 0.0]])).item() == pytest.approx(at_a_mode, rel=1e-6)
    three_sd_off = torch.tensor([[2.15, 0.0]])
    assert ring().log_density(three_sd_off).item() == pytest.approx(at_a_mode - 4.5, abs=1e-4)
    normal = mixture_1d([0.0], [1.0], [1.0])
    assert normal.log_density(torch.zeros(1, 1)).item() == pytest.approx(-0.5 * math.log(2 * math.pi), rel=1e-6)


def test_log_density_far_away_is_finite():
    far = ring().log_density(torch.tensor([[100.0, 0.0]]))
    assert far.item() == pytest.approx(-0.5 * (98 / 0.05) ** 2, rel=1e-4)  # where exp gives 0, and its logarithm -inf


def test_log_density_unknown():
    assert two_moons().log_density is None and swiss_roll().log_density is None and from_points(POINTS).log_density is None


def test_ring_modes():
    modes = ring().modes
    assert len(set(map(tuple, modes.mul(1000).round().tolist()))) == 8  # the last is not the first again
    torch.testing.assert_close(modes[[0, 2, 4, 6]], torch.tensor([[2.0, 0], [0, 2], [-2, 0], [0, -2]]), atol=1e-6, rtol=0)
    torch.testing.assert_close(modes.norm(dim=1), torch.full((8,), 2.0))
    gaps = (modes - modes.roll(1, 0)).norm(dim=1)
    torch.testing.assert_close(gaps, torch.full((8,), 4 * math.sin(math.pi / 8)))


def test_grid_modes():
    modes = grid().modes
    wanted = {(x, y) for x in (-4, -2, 0, 2, 4) for y in (-4, -2, 0, 2, 4)}
    assert set(map(tuple, modes.tolist())) == wanted and len(modes) == 25
    assert modes[:2].tolist() == [[-4, -4], [-2, -4]]
    assert grid(side=2, spacing=1.0).modes.abs().unique().tolist() == [0.5]


@pytest.mark.parametrize("target", [ring(), grid(), ring(5, 1.0, 0.01)], ids=lambda target: target.name)
def test_modes_are_equally_likely_and_samples_stay_near(target):
    n = 20_000
    samples = target.sample(n, seeded())
    distance, nearest = torch.cdist(samples, target.modes).min(dim=1)
    assert stats.chisquare(nearest.bincount(minlength=len(target.modes)).numpy()).pvalue > LEAST_P
    # distances from the centre of a round Gaussian have a Rayleigh distribution, and 98.9 % are below 3 sd
    assert stats.kstest(distance.double().numpy(), "rayleigh", args=(0, target.sd)).pvalue > LEAST_P
    assert (distance < 3 * target.sd).float().mean().item() == pytest.approx(1 - math.exp(-4.5), abs=6 * 0.105 / math.sqrt(n))
    offset = (samples - target.modes[nearest]) / target.sd
    assert offset.mean(dim=0).abs().max() < 6 / math.sqrt(n)
    assert abs(offset.T.corrcoef()[0, 1]) < 6 / math.sqrt(n)


@pytest.mark.parametrize("target, second", [
    (ring(), 2.0**2 + 2 * 0.05**2),
    (grid(), 2 * (8 + 0.05**2)),
    # half circles of radius 5/3 whose centres are sqrt(1/4 + 1/16) 5/3 from the middle
    (two_moons(sd=0.2), 25 / 9 * (1 + 5 / 16 - 2 / math.pi * 0.5) + 2 * 0.2**2),
    # E t^2 less the squared length of the mean
    (swiss_roll(sd=0.2), 0.18**2 * (39 / 4 * math.pi**2 - 4 - (2 / (3 * math.pi)) ** 2) + 2 * 0.2**2),
], ids=["ring", "grid", "moons", "roll"])  # fmt: skip
def test_mean_0_and_second_moment(target, second):
    n = 50_000
    samples = target.sample(n, seeded()).double()
    squares = samples.square().sum(dim=1)
    assert (samples.mean(dim=0).abs() < 6 * samples.std(dim=0) / math.sqrt(n)).all()
    assert squares.mean().item() == pytest.approx(second, abs=6 * squares.std().item() / math.sqrt(n))


def test_moons_are_two_half_circles():
    samples = two_moons(sd=0.0).sample(10_000, seeded())
    from_upper = samples - 5 / 3 * torch.tensor([-0.5, -0.25])
    from_lower = samples - 5 / 3 * torch.tensor([0.5, 0.25])
    on_upper = ((from_upper.norm(dim=1) - 5 / 3).abs() < 1e-5) & (from_upper[:, 1] >= -1e-5)
    on_lower = ((from_lower.norm(dim=1) - 5 / 3).abs() < 1e-5) & (from_lower[:, 1] <= 1e-5)
    assert (on_upper ^ on_lower).all()
    assert stats.binomtest(int(on_upper.sum()), 10_000).pvalue > LEAST_P
    for points in (from_upper[on_upper], -from_lower[on_lower]):
        angle = torch.atan2(points[:, 1], points[:, 0]) / math.pi
        assert stats.kstest(angle.double().numpy(), "uniform").pvalue > LEAST_P
    assert samples.abs().max() == pytest.approx(2.5, abs=0.01)


def test_roll_is_a_spiral():
    samples = swiss_roll(sd=0.0).sample(10_000, seeded()).double() / 0.18
    spiral = samples + torch.tensor([2, 2 / (3 * math.pi)])
    t = spiral.norm(dim=1)
    torch.testing.assert_close(spiral, torch.stack([t * t.cos(), t * t.sin()], dim=1), atol=1e-3, rtol=0)
    assert stats.kstest((t / math.pi).numpy(), "uniform", args=(1.5, 3)).pvalue > LEAST_P
    assert (0.18 * samples).abs().max() == pytest.approx(2.5, abs=0.02)


def test_paw_is_a_pad_and_four_toes_evenly_filled():
    """Counted on a fine grid, the other way round: which places belong to the drawing, and do all get as many?"""
    samples = paw_print(sd=0.0).sample(20_000, seeded()).double()
    ellipses = [((0, -1), (1.35, 1.05)), ((-1.85, 0.35), (0.45, 0.7)), ((-0.7, 1.45), (0.48, 0.8)), ((0.7, 1.45), (0.48, 0.8)),
                ((1.85, 0.35), (0.45, 0.7))]

    def inside(points):
        places = [((points - torch.tensor(middle)) / torch.tensor(axes)).square().sum(dim=1) <= 1 + 1e-5 for middle, axes in ellipses]
        return torch.stack(places)

    side = torch.linspace(-2.5, 2.5, 301).double()
    grid_points = torch.cartesian_prod(side, side)
    of_grid, of_samples = inside(grid_points), inside(samples)
    assert (of_samples.sum(dim=0) == 1).all() and of_grid.sum(dim=0).max() == 1, "the five do not touch"
    left, right = (points[:, 0] < 0 for points in (grid_points, samples))
    areas = [int((part & half).sum()) for part in of_grid for half in (left, ~left)]
    counts = [int((part & half).sum()) for part in of_samples for half in (right, ~right)]
    some = [k for k, area in enumerate(areas) if area > 100]
    expected = torch.tensor([areas[k] for k in some]).double()
    assert stats.chisquare([counts[k] for k in some], (20_000 * expected / expected.sum()).tolist()).pvalue > 1e-4


@pytest.mark.parametrize("make", [two_moons, swiss_roll, paw_print])
def test_noise_of_the_curves(make):
    # one seed, two amounts of noise: the same places on the curve, so the difference is the noise
    noise = (make(sd=1.0).sample(20_000, seeded()) - make(sd=0.0).sample(20_000, seeded())).double()
    for column in noise.T:
        assert stats.kstest(column.numpy(), "norm").pvalue > LEAST_P


def test_mixture_1d():
    target = mixture_1d()
    assert target.dim == 1 and target.modes.shape == (3, 1) and target.sd is None
    samples = target.sample(20_000, seeded()).double().numpy()

    def cdf(x):
        return 0.3 * stats.norm.cdf(x, -2, 0.5) + 0.3 * stats.norm.cdf(x, 0.5, 0.3) + 0.4 * stats.norm.cdf(x, 2.5, 0.6)

    assert stats.kstest(samples[:, 0], cdf).pvalue > LEAST_P


def test_mixture_1d_divides_weights_by_their_sum():
    x = torch.linspace(-3, 3, 9)[:, None]
    first, second = (mixture_1d([-1.0, 1.0], [0.4, 0.4], weights) for weights in ([1, 3], [0.25, 0.75]))
    torch.testing.assert_close(first.log_density(x), second.log_density(x))
    assert first.sd == pytest.approx(0.4)
    assert (first.sample(10_000, seeded()) > 0).float().mean().item() == pytest.approx(0.75, abs=0.04)


def test_from_points_without_noise_gives_the_points():
    target = from_points(POINTS)
    samples = target.sample(8000, seeded())
    counts = [int((samples == torch.tensor(point)).all(dim=1).sum()) for point in POINTS[:3]]
    assert sum(counts) == 8000
    assert stats.chisquare(counts, [2000, 2000, 4000]).pvalue > LEAST_P
    assert target.modes is None and target.name == "your points"
    assert from_points(POINTS, name="a sketch").name == "a sketch"


def test_from_points_with_noise():
    target = from_points([[1.0, -1.0, 5.0]], sd=0.5)
    noise = (target.sample(10_000, seeded()) - torch.tensor([1.0, -1.0, 5.0])).double()
    for column in noise.T:
        assert stats.kstest(column.numpy(), "norm", args=(0, 0.5)).pvalue > LEAST_P


def test_from_points_keeps_a_copy():
    points = torch.zeros(3, 2)
    target = from_points(points)
    points += 1
    assert (target.sample(5, seeded()) == 0).all()


def test_from_points_takes_arrays_and_many_dimensions():
    assert from_points(np.ones((2, 3))).sample(4, seeded()).tolist() == [[1, 1, 1]] * 4
    target = from_points(torch.rand(50, 784, generator=seeded()), sd=0.1)
    assert target.log_density(target.sample(10, seeded(1))).isfinite().all()


def test_limits_follow_the_parameters():
    assert ring(radius=2.0, sd=0.05).limits == ((pytest.approx(-2.42), pytest.approx(2.42)),) * 2
    assert ring(n_modes=3).limits == ring(n_modes=8).limits  # a square around the whole circle
    assert two_moons().limits == swiss_roll().limits
    assert grid(spacing=4.0).limits[0][1] > 1.9 * grid(spacing=2.0).limits[0][1]


@pytest.mark.parametrize("make, bad", [
    (ring, dict(n_modes=0)), (ring, dict(n_modes=2.0)), (ring, dict(n_modes=True)), (ring, dict(radius=0.0)), (ring, dict(radius=math.inf)),
    (ring, dict(sd=0)), (ring, dict(sd="0.1")), (grid, dict(side=0)), (grid, dict(spacing=-1.0)), (grid, dict(sd=math.nan)),
    (two_moons, dict(sd=-0.1)), (paw_print, dict(sd=-0.1)), (swiss_roll, dict(sd=math.inf)), (from_points, dict(points=POINTS, sd=-1.0)),
])  # fmt: skip
def test_constructors_name_the_bad_argument(make, bad):
    name = [key for key in bad if key != "points"][0]
    with pytest.raises(ValueError, match=name):
        make(**bad)


@pytest.mark.parametrize("arguments, word", [
    (([1.0], [1.0, 1.0], [1.0]), "one length"), (([], [], []), "one length"), ((1.0, 1.0, 1.0), "one length"),
    (([math.nan], [1.0], [1.0]), "means"), (([1.0], [0.0], [1.0]), "sds"), (([1.0], [1.0], [-1.0]), "weights"),
])  # fmt: skip
def test_mixture_refuses(arguments, word):
    with pytest.raises(ValueError, match=word):
        mixture_1d(*arguments)


@pytest.mark.parametrize("points, word", [([1.0, 2.0], "shape"), (torch.zeros(0, 2), "shape"), (torch.zeros(2, 0), "shape"), ([[math.inf]], "finite")])
def test_from_points_refuses(points, word):
    with pytest.raises(ValueError, match=word):
        from_points(points)


@pytest.mark.parametrize("n", [0, -1, 2.0, True])
def test_sample_refuses_a_bad_count(n):
    with pytest.raises(ValueError, match="whole number"):
        ring().sample(n, seeded())


def test_sample_refuses_a_seed_in_place_of_a_generator():
    with pytest.raises(TypeError, match="torch.Generator"):
        ring().sample(5, 0)


@pytest.mark.parametrize("x", [torch.zeros(5), torch.zeros(5, 1), torch.zeros(5, 3)])
def test_log_density_refuses_another_shape(x):
    with pytest.raises(ValueError, match=r"\(n, 2\)"):
        ring().log_density(x)


def test_log_density_refuses_what_is_no_float_tensor():
    with pytest.raises(TypeError, match="floats"):
        ring().log_density(torch.zeros(5, 2, dtype=torch.int64))
