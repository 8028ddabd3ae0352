"""How good generated pictures are: puppies, whose truth is known, and pictures in general.

No one number tells. Litters are all captured by ugly pictures too; a blur has clear litters; noise is sharp. So a
`PuppyScore` holds several, each beside what real puppies score.
"""

import functools
from dataclasses import dataclass, fields

import torch

from helpers.puppies import N_FACTORS, N_LITTERS, draw_puppies, litter_features, litter_probabilities
from helpers.scores import _divergence_from_equal

CONFIDENT = 0.9  # the probability from which on a picture clearly shows its litter
N_REAL = 2000  # real puppies that others are compared with


@dataclass(frozen=True, eq=False)
class PuppyScore:
    """What `score_puppies` measures; print it for one line in words.

    captured: litters, of 40, that at least one confident picture shows. reverse_kl: divergence of the litters' shares
    among all pictures from equal shares, in nats. confident: share of pictures whose litter the litter network is
    more than 90 % sure of. frechet: distance of the network's features to those of real puppies. laplacian, gradient:
    `sharpness`, real puppies' being 1; noise raises the first more. background: spread of the background's
    colour, real puppies' being 1; less is less variety. shares: (40,), of the litters among all pictures.
    """

    captured: float
    reverse_kl: float
    confident: float
    frechet: float
    laplacian: float
    gradient: float
    background: float
    shares: torch.Tensor

    def __str__(self):
        return (f"{self.captured:.4g} of {N_LITTERS} litters captured, reverse KL {self.reverse_kl:.3f}, "
                f"{100 * self.confident:.1f} % confident, Frechet {self.frechet:.1f}, sharpness {self.laplacian:.2f} "
                f"(Laplacian) and {self.gradient:.2f} (gradient), background {self.background:.2f}")


def score_puppies(pictures):
    """A PuppyScore: how much like real puppies the pictures are, and how varied.

    pictures: (n, 3, size, size) float32 in [0, 1], size at least 16, n at least 40 (2,500 say more). They are
    compared with 2,000 real puppies of that size, drawn at the first call. Set `perfect_puppies` beside it: not
    even real puppies score 40, 0, 1, 0. Raises TypeError or ValueError for other pictures. Used in lesson 11.
    """
    _check_many(pictures, N_LITTERS)
    chances = litter_probabilities(pictures)
    sure, shown = chances.max(dim=1)
    shares = shown.bincount(minlength=N_LITTERS).cpu() / len(pictures)
    real = _real_puppies(pictures.shape[-1])
    return PuppyScore(
        captured=len(shown[sure > CONFIDENT].unique()),
        reverse_kl=_divergence_from_equal(shares.double()),
        confident=(sure > CONFIDENT).double().mean().item(),
        frechet=_frechet(_moments(litter_features(pictures)), real["moments"]),
        laplacian=sharpness(pictures, "laplacian") / real["laplacian"],
        gradient=sharpness(pictures, "gradient") / real["gradient"],
        background=_background_spread(pictures) / real["background"],
        shares=shares,
    )


@functools.lru_cache(maxsize=16)
def perfect_puppies(n, size=32, repeats=3):
    """The PuppyScore to expect of n real puppies: means over some repeats, not whole numbers."""
    scores = [score_puppies(_puppies(n, size, seed)) for seed in range(1, 1 + repeats)]
    return PuppyScore(*(sum(getattr(score, field.name) for score in scores) / repeats for field in fields(PuppyScore)))


def sharpness(pictures, kind="laplacian"):
    """How strongly neighbouring pixels differ, on average, in the pictures' own units: a blur has little.

    pictures: (n, channels, height, width). kind: "gradient", the mean distance from a pixel to its right and
    lower neighbours, or "laplacian", the mean distance from a pixel to the average of its four neighbours, times 4.
    Returns a float. Raises ValueError for another kind.
    """
    if kind == "gradient":
        differences = [pictures.diff(dim=2), pictures.diff(dim=3)]
    elif kind == "laplacian":
        inner = pictures[..., 1:-1, 1:-1]
        differences = [pictures[..., :-2, 1:-1] + pictures[..., 2:, 1:-1] + pictures[..., 1:-1, :-2]
                       + pictures[..., 1:-1, 2:] - 4 * inner]
    else:
        raise ValueError(f'kind must be "laplacian" or "gradient", but is {kind!r}.')
    return sum(d.abs().mean().item() for d in differences) / len(differences)


def frechet(fake, real):
    """The Frechet distance (squared) between Gaussians fitted to two clouds of features, (n, d) and (m, d).

    |difference of means|^2 + trace(A + B - 2 (A B)^1/2) with covariances A and B, which need n, m above d.
    Source: Heusel et al. 2017, on another network's features; theirs and ours do not compare.
    """
    return _frechet(_moments(fake), _moments(real))


def precision_recall(fake, real, k=3):
    """(precision, recall): share of the generated points among the real ones, and of the real among the generated.

    fake: (n, d), real: (m, d) features, more than k of each. A point lies among others if it is no farther from one of
    them than that one's k-th neighbour. Raises ValueError for fewer points. Source: Kynkaanniemi et al. 2019.
    """
    for name, points in (("fake", fake), ("real", real)):
        if points.ndim != 2 or len(points) <= k:
            raise ValueError(f"{name} must have shape (n, d) with n above k = {k}, but has {tuple(points.shape)}.")
    return _share_among(fake, real, k), _share_among(real, fake, k)


def nearest(fake, real):
    """(index, distance) of the real picture nearest to each generated one, both (n,).

    fake: (n, channels, height, width), real: (m, ...) of the same form. distance: Euclidean over all numbers. A
    generator that has learned pictures by heart has distances near 0: compare with those of fresh real ones.
    Raises ValueError for other shapes.
    """
    if fake.ndim != 4 or fake.shape[1:] != real.shape[1:] or len(real) == 0:
        raise ValueError(f"fake has shape {tuple(fake.shape)} and real {tuple(real.shape)}: both must be pictures "
                         "of one form.")
    closest = [_distances(part.flatten(1), real.flatten(1)).argmin(dim=1) for part in fake.split(256)]
    closest = torch.cat(closest) if closest else torch.empty(0, dtype=torch.long, device=real.device)
    return closest, (fake - real[closest]).flatten(1).norm(dim=1)  # anew: `_distances` are coarse near 0


# ---- pieces


def _puppies(n, size, seed):
    rng = torch.Generator().manual_seed(seed)
    return draw_puppies(torch.rand(n, N_FACTORS, generator=rng), size)


@functools.lru_cache(maxsize=4)
def _real_puppies(size):
    """What real puppies score: computed once for each size."""
    pictures = _puppies(N_REAL, size, seed=0)
    return {"moments": _moments(litter_features(pictures)), "laplacian": sharpness(pictures, "laplacian"),
            "gradient": sharpness(pictures, "gradient"), "background": _background_spread(pictures)}


def _background_spread(pictures):
    """Standard deviation over pictures of the mean colour of their two upper corners, averaged over the channels.

    The corners, an eighth of the width, are background in every puppy, and its ears reach there in none.
    """
    side = max(pictures.shape[-1] // 8, 1)
    corners = torch.cat([pictures[..., :side, :side], pictures[..., :side, -side:]], dim=3)
    return corners.mean(dim=(2, 3)).std(dim=0).mean().item()


def _moments(points):
    points = points.double().cpu()
    return points.mean(dim=0), torch.atleast_2d(points.t().cov())


def _frechet(fake, real):
    (mean_a, a), (mean_b, b) = fake, real
    # the roots of the eigenvalues of a b add up to the trace of its root; they are real and at least 0, up to rounding
    both = torch.linalg.eigvals(a @ b).real.clamp(min=0).sqrt().sum()
    return ((mean_a - mean_b).square().sum() + a.trace() + b.trace() - 2 * both).item()


def _share_among(points, others, k):
    """The share of points that lie among others."""
    own = [_distances(part, others).kthvalue(k + 1, dim=1).values for part in others.split(1000)]  # itself is the first
    radius = torch.cat(own)
    inside = [(_distances(part, others) <= radius).any(dim=1) for part in points.split(1000)]
    return torch.cat(inside).double().mean().item()


def _distances(x, y):
    return torch.cdist(x, y, compute_mode="donot_use_mm_for_euclid_dist" if x.shape[1] <= 64 else
                       "use_mm_for_euclid_dist")


def _check_many(pictures, least):
    if isinstance(pictures, torch.Tensor) and pictures.ndim == 4 and len(pictures) < least:
        raise ValueError(f"there are {len(pictures)} pictures, but at least {least} are needed for a score.")
