"""Random numbers: a generator built by hand, and the classic ways to bend uniform numbers into other shapes.

Taught in lesson 2, where the longer ones stand in full.
"""

import math

import numpy as np
import torch


def linear_congruential(n, seed, multiplier=16807, increment=0, modulus=2**31 - 1):
    """The n states that follow `seed` under state <- (multiplier * state + increment) mod modulus.

    The constants given are Park and Miller's "minimal standard". Divide by `modulus` for numbers in [0, 1).
    All arguments are whole Python numbers; bad constants are allowed, for seeing what goes wrong with them.
    Returns an (n,) int64 tensor; the seed itself is not in it.
    Raises TypeError or ValueError for a number that is not whole, a negative n, a modulus not in 1 .. 2**63.
    Source: Park and Miller 1988, "Random number generators: good ones are hard to find".
    Taught in lesson 2.
    """
    _check_congruential(n, seed, multiplier, increment, modulus)
    states = []
    state = seed
    for _ in range(n):
        state = (multiplier * state + increment) % modulus
        states.append(state)
    return torch.tensor(states, dtype=torch.int64)


def randu(n, seed=1):
    """The n states after `seed` of RANDU, an infamous generator: its triples lie on only 15 planes.

    seed: odd, as its makers asked. Returns an (n,) int64 tensor; divide by 2**31 for numbers in [0, 1).
    Raises as `linear_congruential` does. Source: IBM System/360 Scientific Subroutine Package.
    Taught in lesson 2.
    """
    return linear_congruential(n, seed, multiplier=65539, modulus=2**31)


def uniform_noise(n, dim, rng):
    """n points, uniform in the unit cube of `dim` dimensions: an (n, dim) tensor with numbers in [0, 1).

    rng: the torch.Generator that draws them; the points lie on its device. Taught in lesson 2.
    """
    return torch.rand(n, dim, generator=rng, device=rng.device)


def warped_grid_lines(transform, low=0.0, high=1.0, lines=21, points=101, device=None):
    """The regular grid of the square [low, high] x [low, high], mapped: an array (2, lines, points, 2).

    First the lines along which the first coordinate stays fixed, then those along which the second does.
    transform: maps (n, 2) tensors, on the given device, to (n, 2). Raises ValueError when it returns another shape.
    """
    if not low < high or lines < 2 or points < 2:
        raise ValueError("warped_grid needs low < high, at least 2 lines and at least 2 points on a line; "
                         f"got low={low}, high={high}, lines={lines}, points={points}")
    places = torch.linspace(low, high, lines), torch.linspace(low, high, points)
    fixed, along = torch.meshgrid(*places, indexing="ij")
    square = torch.stack([torch.stack([fixed, along], dim=-1), torch.stack([along, fixed], dim=-1)])
    with torch.no_grad():
        mapped = transform(square.reshape(-1, 2).to(device))
    mapped = mapped.detach().cpu().numpy() if isinstance(mapped, torch.Tensor) else np.asarray(mapped)
    if mapped.shape != (2 * lines * points, 2):
        raise ValueError("transform must map points (n, 2) to points (n, 2); "
                         f"for ({2 * lines * points}, 2) it returned shape {mapped.shape}")
    return mapped.reshape(2, lines, points, 2)


def inverse_cdf(u, samples):
    """The value below which the share u of the samples lies, on a straight line between sorted neighbours.

    u: shares in [0, 1], of any shape; 0 gives the smallest sample, 1 the largest. samples: (n,), in any
    order, at least one and at most 2**24 of them. Returns a tensor shaped like u, the same numbers as
    `numpy.quantile(samples, u)`. Raises TypeError or ValueError for anything else. Taught in lesson 2.
    """
    _check_inverse_cdf(u, samples)
    ordered = samples.sort().values
    position = u * (len(ordered) - 1)
    left, right = position.floor().long(), position.ceil().long()
    return ordered[left] + (position - left) * (ordered[right] - ordered[left])


def box_muller(u):
    """Independent standard normal numbers, two from each pair of uniform ones.

    The first uniform number becomes the distance from the origin, the second the direction.
    u: (n, 2), in [0, 1]. Returns (n, 2), always finite: u = 1 lands where the largest float32 below 1 does.
    Raises TypeError or ValueError for another shape, type or range.
    Source: Box and Muller 1958, "A note on the generation of random normal deviates". Taught in lesson 2.
    """
    _check_uniform_pairs(u)
    farther_out = (1 - u[:, 0]).clamp(min=2**-24)  # share that lands farther out: 0 would be infinitely far
    radius = torch.sqrt(-2 * torch.log(farther_out))
    angle = 2 * math.pi * u[:, 1]
    return torch.stack([radius * torch.cos(angle), radius * torch.sin(angle)], dim=1)


def _check_congruential(n, seed, multiplier, increment, modulus):
    numbers = {"n": n, "seed": seed, "multiplier": multiplier, "increment": increment, "modulus": modulus}
    for name, number in numbers.items():
        # only Python's own integers: NumPy's overflow without a word when they are multiplied
        if not isinstance(number, int) or isinstance(number, bool):
            raise TypeError(f"{name} must be a whole number, but is {number!r}: write int(...) around it.")
    if n < 0:
        raise ValueError(f"n is {n}, but nobody can draw fewer than 0 numbers: give 0 or more.")
    if not 1 <= modulus <= 2**63:
        raise ValueError(f"modulus is {modulus}, but must lie between 1 and 2**63.")


def _check_uniform(u):
    if not torch.is_tensor(u) or not u.is_floating_point():
        raise TypeError("u must be a tensor of floats: write torch.tensor(...) around your numbers.")
    if not ((u >= 0) & (u <= 1)).all():
        raise ValueError("u must lie between 0 and 1, but some of its numbers do not.")


def _check_inverse_cdf(u, samples):
    _check_uniform(u)
    if not torch.is_tensor(samples):
        raise TypeError("samples must be a tensor: write torch.tensor(...) around your numbers.")
    if samples.ndim != 1 or not 1 <= len(samples) <= 2**24:
        shape = tuple(samples.shape)
        raise ValueError(f"samples must have shape (n,) with n from 1 to 2**24, but has shape {shape}.")
    if not samples.isfinite().all():
        raise ValueError("samples must be finite, but some are infinite or not a number: drop those first.")


def _check_uniform_pairs(u):
    _check_uniform(u)
    if u.ndim != 2 or u.shape[1] != 2:
        raise ValueError(f"u must have shape (n, 2), one pair a row, but has shape {tuple(u.shape)}.")
