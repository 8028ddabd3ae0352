"""The multilayer perceptron against torch's own layers."""

import pytest
import torch
from scipy import stats
from torch import nn

from helpers.networks import (
    DoublingConv2d,
    averaged,
    draw_weights,
    judge,
    mlp,
    picture_discriminator,
    picture_encoder,
    picture_generator,
)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def test_shapes_and_order_of_layers():
    network = mlp((2, 5, 7, 3), seeded(), nn.Tanh)
    assert [type(layer) for layer in network] == [nn.Linear, nn.Tanh, nn.Linear, nn.Tanh, nn.Linear]
    assert [tuple(p.shape) for p in network.parameters()] == [(5, 2), (5,), (7, 5), (7,), (3, 7), (3,)]
    assert all(p.dtype == torch.float32 and p.requires_grad for p in network.parameters())
    assert network(torch.zeros(4, 2)).shape == (4, 3)
    assert [type(layer) for layer in mlp([2, 3], seeded())] == [nn.Linear]
    assert type(mlp([2, 3, 1], seeded())[1]) is nn.ReLU


def test_computes_what_the_formula_says():
    network = mlp([3, 4, 2], seeded(), nn.Tanh)
    w1, b1, w2, b2 = network.parameters()
    x = torch.randn(6, 3, generator=seeded(1))
    torch.testing.assert_close(network(x), torch.tanh(x @ w1.T + b1) @ w2.T + b2)


def test_same_numbers_as_torch_would_draw():
    network = mlp([20, 30, 10], seeded(3))
    with torch.random.fork_rng():
        torch.manual_seed(3)
        reference = nn.Sequential(nn.Linear(20, 30), nn.ReLU(), nn.Linear(30, 10))
    for mine, torchs in zip(network.parameters(), reference.parameters()):
        torch.testing.assert_close(mine, torchs)


@pytest.mark.parametrize("name", ["weight", "bias"])
def test_distributed_as_in_torch(name):
    with torch.random.fork_rng():
        torch.manual_seed(99)
        reference = torch.cat([getattr(nn.Linear(50, 200), name).detach().flatten() for _ in range(20)]).numpy()
    mine = torch.cat([getattr(mlp([50, 200], seeded(s))[0], name).detach().flatten() for s in range(20)]).numpy()
    assert stats.ks_2samp(mine, reference).pvalue > 1e-6
    assert 0.99 * 50**-0.5 < abs(mine).max() <= 50**-0.5 * (1 + 1e-6)


def test_leaves_the_global_generator_alone():
    before = torch.get_rng_state()
    mlp([2, 64, 64, 2], seeded())
    assert torch.equal(before, torch.get_rng_state())


def test_same_seed_same_network():
    first, second, other = (list(mlp([2, 8, 1], seeded(s)).parameters()) for s in (1, 1, 2))
    assert all(torch.equal(a, b) for a, b in zip(first, second))
    assert not any(torch.equal(a, b) for a, b in zip(first, other))
    rng = seeded(1)
    mlp([2, 8, 1], rng)
    assert not torch.equal(first[0], mlp([2, 8, 1], rng)[0].weight)  # the generator moves on


def affine_gap(network):
    x, y = torch.randn(2, 100, 3, generator=seeded(7))
    middle = network(0.3 * x + 0.7 * y)
    return (middle - (0.3 * network(x) + 0.7 * network(y))).abs().max().item()


def test_without_activation_the_network_is_affine():
    network = mlp([3, 50, 50, 2], seeded(), activation=None)
    assert [type(layer) for layer in network] == [nn.Linear] * 3
    assert affine_gap(network) < 1e-5
    assert affine_gap(mlp([3, 50, 50, 2], seeded())) > 1e-2  # an activation bends it


def test_activation_may_be_anything_that_makes_a_module():
    network = mlp([2, 3, 1], seeded(), lambda: nn.LeakyReLU(0.2))
    assert network[1].negative_slope == 0.2


def test_every_activation_is_a_module_of_its_own():
    network = mlp([2, 3, 3, 1], seeded(), nn.PReLU)
    assert network[1] is not network[3]


@pytest.mark.parametrize("sizes", [[2], [], [2, 0, 1], [2, -3]])
def test_refuses_sizes_that_make_no_network(sizes):
    with pytest.raises(ValueError, match="at least 1"):
        mlp(sizes, seeded())


@pytest.mark.parametrize("sizes", [[2, 3.0], 5, None, "23", [2, True]])
def test_refuses_sizes_that_are_no_whole_numbers(sizes):
    with pytest.raises(TypeError, match="whole numbers"):
        mlp(sizes, seeded())


@pytest.mark.parametrize("activation, word", [(nn.ReLU(), "write nn.ReLU"), (torch.relu, "class"), ("relu", "class"), (int, "class")])
def test_refuses_what_is_no_activation(activation, word):
    with pytest.raises(TypeError, match=word):
        mlp([2, 3, 1], seeded(), activation)


def test_a_judge_gives_one_score_a_point():
    rng = torch.Generator().manual_seed(0)
    network = judge((2, 5, 5, 1), rng)
    x = torch.randn(7, 2)
    assert network(x).shape == (7,)
    assert [layer.negative_slope for layer in network if isinstance(layer, nn.LeakyReLU)] == [0.2, 0.2]
    same = mlp((2, 5, 5, 1), torch.Generator().manual_seed(0), activation=lambda: nn.LeakyReLU(0.2))
    assert torch.equal(network(x), same(x)[:, 0])


@pytest.mark.parametrize("sizes, error, sentence", [
    ((2, 5, 2), ValueError, "a judge gives one score for each point: the last size must be 1"),
    ((1,), ValueError, "sizes needs an input and an output size"),
    ("21", TypeError, "sizes must be a list of whole numbers"),
])
def test_a_judge_refuses_other_sizes(sizes, error, sentence):
    with pytest.raises(error, match=sentence):
        judge(sizes, torch.Generator().manual_seed(0))


# moving averages

def test_the_average_follows_slowly_and_the_network_stays():
    network, decay = mlp((2, 4, 2), seeded()), 0.9
    average, expected = averaged(network, decay), None
    for i in range(5):
        with torch.no_grad():
            for weights in network.parameters():
                weights.add_(i + 1.0)
        now = [weights.detach().clone() for weights in network.parameters()]
        average.update_parameters(network)
        expected = now if expected is None else [decay * old + (1 - decay) * new for old, new in zip(expected, now)]
        for mine, reference in zip(average.module.parameters(), expected):
            torch.testing.assert_close(mine, reference)
        assert all(torch.equal(weights, was) for weights, was in zip(network.parameters(), now))
    assert not any(weights.requires_grad for weights in average.parameters())
    assert all(weights.requires_grad for weights in network.parameters())
    assert average(torch.zeros(3, 2)).shape == (3, 2)


@pytest.mark.parametrize("decay", [1, -0.1, 2.0, None, "slow", True])
def test_other_decays_are_refused(decay):
    with pytest.raises(ValueError, match="decay of an average must lie between 0 and 1"):
        averaged(mlp((2, 2), seeded()), decay)


# ---- pictures


def layers_in_full(noise_dim, size, rng, channels):
    """The generator of 32x32 pictures as a lesson writes it out, with torch's own layers."""
    assert size == 32
    layers = [nn.Linear(noise_dim, 8 * channels * 16, bias=False), nn.Unflatten(1, (8 * channels, 4, 4)),
              nn.BatchNorm2d(8 * channels), nn.ReLU()]
    for width in (8 * channels, 4 * channels, 2 * channels):
        layers += [nn.Upsample(scale_factor=2), nn.Conv2d(width, width // 2, 3, padding=1, bias=False),
                   nn.BatchNorm2d(width // 2), nn.ReLU()]
    return draw_weights(nn.Sequential(*layers, nn.Conv2d(channels, 3, 3, padding=1), nn.Sigmoid()), rng)


def test_picture_generator_is_the_network_written_out():
    """The same weights in the same order, the same pictures, and the same slopes."""
    mine, theirs = picture_generator(5, 32, seeded(), channels=4), layers_in_full(5, 32, seeded(), channels=4)
    assert all(torch.equal(a, b) for a, b in zip(mine.parameters(), theirs.parameters(), strict=True))
    z = torch.randn(3, 5, generator=seeded(1))
    torch.testing.assert_close(mine(z), theirs(z))
    for network in (mine, theirs):
        (network(z) * torch.linspace(0, 1, 32)).sum().backward()
    for a, b in zip(mine.parameters(), theirs.parameters()):
        torch.testing.assert_close(a.grad, b.grad, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("shape", [(1, 1, 1, 1), (2, 3, 4, 4), (2, 3, 5, 7)])
def test_doubling_convolution_against_two_layers(shape):
    layer = DoublingConv2d(shape[1], 2)
    reference = nn.Conv2d(shape[1], 2, 3, padding=1)
    reference.load_state_dict(layer.state_dict())
    x = torch.randn(shape, generator=seeded())
    torch.testing.assert_close(layer(x), reference(nn.Upsample(scale_factor=2)(x)), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("size", [8, 9, 28, 31, 32, 64, 100])
@pytest.mark.parametrize("n_colours", [1, 3])
def test_picture_networks_fit_their_sizes(size, n_colours):
    generator = picture_generator(6, size, seeded(), channels=2, n_colours=n_colours)
    pictures = generator(torch.randn(3, 6, generator=seeded()))
    assert pictures.shape == (3, n_colours, size, size)
    assert pictures.min() > 0 and pictures.max() < 1  # no black frame where it is cut
    assert picture_discriminator(size, seeded(), 2, n_colours)(pictures).shape == (3,)
    assert picture_encoder(size, 5, seeded(), 2, n_colours)(pictures).shape == (3, 10)


def test_maps_grow_from_4_to_8_places_and_widths_are_capped():
    for size, start, widths in ((32, 4, (24, 12, 6, 3)), (100, 7, (24, 24, 12, 6, 3)), (28, 7, (12, 6, 3))):
        layers = list(picture_generator(5, size, seeded(), channels=3))
        assert layers[1].unflattened_size == (widths[0], start, start)
        assert [layer.out_channels for layer in layers if isinstance(layer, DoublingConv2d)] == list(widths[1:])


def test_weights_come_from_rng_alone_and_lie_in_their_bounds():
    before = torch.get_rng_state()
    one, same, other = (picture_discriminator(16, seeded(s), channels=4) for s in (1, 1, 2))
    assert torch.equal(before, torch.get_rng_state())
    for a, b, c in zip(one.parameters(), same.parameters(), other.parameters()):
        assert torch.equal(a, b) and not torch.equal(a, c)
    second = [layer for layer in one if isinstance(layer, nn.Conv2d)][1]
    bound = (4 * 4 * 4) ** -0.5
    assert 0.9 * bound < second.weight.abs().max() <= bound and second.bias.abs().max() <= bound
    norm = next(layer for layer in picture_generator(4, 8, seeded()) if isinstance(layer, nn.BatchNorm2d))
    assert (norm.weight == 1).all() and (norm.bias == 0).all() and (norm.running_var == 1).all()


@pytest.mark.parametrize("make, match", [
    (lambda: picture_generator(5, 7, seeded()), "at least 8, but is 7"),
    (lambda: picture_generator(0, 32, seeded()), "noise_dim must be a whole number of at least 1, but is 0"),
    (lambda: picture_discriminator(32.0, seeded()), "size must be a whole number"),
    (lambda: picture_discriminator(32, seeded(), channels=0), "channels"),
    (lambda: picture_encoder(32, True, seeded()), "n_codes"),
])
def test_impossible_picture_networks_are_refused(make, match):
    with pytest.raises(ValueError, match=match):
        make()
