"""Random numbers against published values, SciPy and NumPy."""

import math

import numpy as np
import pytest
import torch
from scipy import stats

from helpers.sampling import box_muller, inverse_cdf, linear_congruential, randu, uniform_noise

LEAST_P = 1e-6  # a correct sampler falls below this once in a million seeds


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


# linear_congruential, randu


def test_park_miller_published_value():
    states = linear_congruential(10_000, seed=1)
    assert states.dtype == torch.int64 and states.shape == (10_000,)
    assert states[0] == 16807 and states[-1] == 1043618065


def test_park_miller_is_uniform():
    u = linear_congruential(20_000, seed=42).double() / (2**31 - 1)
    assert stats.kstest(u.numpy(), "uniform").pvalue > LEAST_P


def test_congruential_visits_every_state_when_hull_and_dobell_say_so():
    assert sorted(linear_congruential(16, 3, multiplier=5, increment=3, modulus=16).tolist()) == list(range(16))
    # and repeats sooner when their conditions fail
    assert len(set(linear_congruential(16, 3, multiplier=4, increment=3, modulus=16).tolist())) < 16


def test_congruential_does_not_overflow():
    a, c, m = 6364136223846793005, 1442695040888963407, 2**63
    states = linear_congruential(3, 2**62, a, c, m).tolist()
    state = 2**62
    for found in states:
        state = (a * state + c) % m
        assert found == state


def test_randu_published_values():
    assert randu(5).tolist() == [65539, 393225, 1769499, 7077969, 26542323]


def test_randu_lies_on_15_planes():
    x = randu(200_000)
    combined = 9 * x[:-2] - 6 * x[1:-1] + x[2:]
    assert (combined % 2**31 == 0).all()
    assert len((combined // 2**31).unique()) == 15
    # the same combination of a sound generator falls nowhere in particular
    x = linear_congruential(1000, 1)
    assert ((9 * x[:-2] - 6 * x[1:-1] + x[2:]) % (2**31 - 1) == 0).sum() < 5


def test_congruential_nothing_drawn():
    assert linear_congruential(0, 1).shape == (0,) and linear_congruential(0, 1).dtype == torch.int64


@pytest.mark.parametrize("bad", [dict(seed=1.0), dict(seed=np.int64(1)), dict(seed=True), dict(multiplier=torch.tensor(3))])
def test_congruential_refuses_what_is_no_whole_number(bad):
    with pytest.raises(TypeError, match="whole number"):
        linear_congruential(**{"n": 3, "seed": 1, **bad})


@pytest.mark.parametrize("bad, word", [(dict(n=-1), "n is -1"), (dict(modulus=0), "modulus"), (dict(modulus=2**64), "modulus")])
def test_congruential_refuses_impossible_numbers(bad, word):
    with pytest.raises(ValueError, match=word):
        linear_congruential(**{"n": 3, "seed": 1, **bad})


# uniform_noise


def test_uniform_noise_is_uniform_and_independent():
    u = uniform_noise(20_000, 3, seeded())
    assert u.shape == (20_000, 3) and u.dtype == torch.float32
    assert u.min() >= 0 and u.max() < 1
    for column in u.T:
        assert stats.kstest(column.double().numpy(), "uniform").pvalue > LEAST_P
    correlation = torch.corrcoef(u.T) - torch.eye(3)
    assert correlation.abs().max() < 6 / math.sqrt(20_000)


def test_uniform_noise_depends_on_its_rng_alone():
    before = torch.get_rng_state()
    first = uniform_noise(10, 2, seeded(5))
    torch.rand(3)
    assert torch.equal(first, uniform_noise(10, 2, seeded(5)))
    assert not torch.equal(first, uniform_noise(10, 2, seeded(6)))
    torch.set_rng_state(before)
    uniform_noise(10, 2, seeded(5))
    assert torch.equal(before, torch.get_rng_state())


# inverse_cdf


@pytest.mark.parametrize("n", [1, 2, 3, 10, 1001])
def test_inverse_cdf_equals_numpy(n):
    rng = seeded(n)
    samples = torch.randn(n, generator=rng, dtype=torch.float64)
    u = torch.cat([torch.rand(500, generator=rng, dtype=torch.float64), torch.linspace(0, 1, n + 4, dtype=torch.float64)])
    wanted = np.quantile(samples.numpy(), u.numpy(), method="linear")
    np.testing.assert_allclose(inverse_cdf(u, samples).numpy(), wanted, rtol=0, atol=1e-12)


def test_inverse_cdf_float32():
    samples, u = torch.randn(1000, generator=seeded()), torch.rand(1000, generator=seeded(1))
    found = inverse_cdf(u, samples)
    assert found.dtype == torch.float32
    np.testing.assert_allclose(found.numpy(), np.quantile(samples.numpy(), u.numpy()), rtol=0, atol=2e-4)


def test_inverse_cdf_by_hand():
    samples = torch.tensor([30.0, 10.0, 20.0])  # unsorted
    u = torch.tensor([[0.0, 0.25], [0.5, 1.0]])
    assert torch.equal(inverse_cdf(u, samples), torch.tensor([[10.0, 15.0], [20.0, 30.0]]))
    assert samples.tolist() == [30, 10, 20]
    assert inverse_cdf(torch.tensor(0.75), samples).item() == 25
    assert inverse_cdf(torch.tensor([0.0, 0.3, 1.0]), torch.tensor([7.0])).tolist() == [7, 7, 7]
    assert inverse_cdf(torch.tensor([0.5]), torch.tensor([1, 2])).item() == 1.5  # whole numbers as samples


def test_inverse_cdf_carries_uniform_numbers_to_the_distribution():
    samples = torch.distributions.Exponential(2.0).icdf((torch.arange(20_000) + 0.5) / 20_000)
    moved = inverse_cdf(uniform_noise(5000, 1, seeded()), samples)
    assert moved.shape == (5000, 1)
    assert stats.kstest(moved[:, 0].double().numpy(), "expon", args=(0, 0.5)).pvalue > LEAST_P


def test_inverse_cdf_never_falls():
    values = inverse_cdf(torch.linspace(0, 1, 1001), torch.randn(50, generator=seeded()))
    assert (values.diff() >= -1e-6).all()


@pytest.mark.parametrize("u", [[-0.01], [1.01], [math.nan]])
def test_inverse_cdf_refuses_shares_outside_0_1(u):
    with pytest.raises(ValueError, match="between 0 and 1"):
        inverse_cdf(torch.tensor(u), torch.zeros(3))


@pytest.mark.parametrize("samples", [torch.zeros(3, 1), torch.zeros(0), torch.tensor(1.0)])
def test_inverse_cdf_refuses_samples_of_another_shape(samples):
    with pytest.raises(ValueError, match="shape"):
        inverse_cdf(torch.tensor([0.5]), samples)


def test_inverse_cdf_refuses_what_is_no_number():
    with pytest.raises(ValueError, match="finite"):
        inverse_cdf(torch.tensor([0.5]), torch.tensor([1.0, math.nan]))
    with pytest.raises(TypeError, match="floats"):
        inverse_cdf(torch.tensor([0, 1]), torch.zeros(3))
    with pytest.raises(TypeError, match="floats"):
        inverse_cdf(0.5, torch.zeros(3))
    with pytest.raises(TypeError, match="samples"):
        inverse_cdf(torch.tensor([0.5]), [1.0, 2.0])


# box_muller


def test_box_muller_is_standard_normal_in_both_columns():
    x = box_muller(uniform_noise(20_000, 2, seeded())).double().numpy()
    assert x.shape == (20_000, 2)
    for column in x.T:
        assert stats.kstest(column, "norm").pvalue > LEAST_P
        assert abs(stats.kurtosis(column)) < 6 * math.sqrt(24 / len(x))  # the tails, which KS hardly sees


def test_box_muller_columns_are_independent():
    x = box_muller(uniform_noise(20_000, 2, seeded(1)))
    counts = torch.histogramdd(x, bins=[5, 5], range=[-2.0, 2.0, -2.0, 2.0]).hist.numpy()
    assert stats.chi2_contingency(counts).pvalue > LEAST_P
    assert stats.chi2_contingency(np.histogram2d(*x.abs().numpy().T, bins=5, range=[[0, 2], [0, 2]])[0]).pvalue > LEAST_P


def test_box_muller_by_hand():
    half = 1 - math.exp(-1 / 2)  # the share of the plane's normal distribution within distance 1
    found = box_muller(torch.tensor([[half, 0.0], [half, 0.25], [half, 0.5], [1 - math.exp(-2), 0.75], [0.0, 0.3]]))
    wanted = torch.tensor([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0], [0.0, -2.0], [0.0, 0.0]])
    torch.testing.assert_close(found, wanted, rtol=0, atol=1e-6)


def test_box_muller_is_finite_at_the_edges():
    largest = 1 - 2**-24
    u = torch.tensor([[0.0, 0.0], [largest, 0.0], [1.0, 0.0], [1.0, 1.0]])
    x = box_muller(u)
    assert x.isfinite().all()
    assert x[1, 0] == pytest.approx(math.sqrt(2 * 24 * math.log(2)), rel=1e-6)
    assert torch.equal(x[2], x[1])


@pytest.mark.parametrize("shape", [(4,), (4, 3), (2, 4, 2)])
def test_box_muller_refuses_another_shape(shape):
    with pytest.raises(ValueError, match=r"\(n, 2\)"):
        box_muller(torch.zeros(shape))


def test_box_muller_refuses_another_range():
    with pytest.raises(ValueError, match="between 0 and 1"):
        box_muller(torch.tensor([[0.5, -0.1]]))
