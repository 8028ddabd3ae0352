"""The losses of a GAN: one number for each player, both to be made small, from the judge's scores.

A loss is an object with two methods, `judge(scores_real, scores_fake)` and `generator(scores_fake)`; a learner may
write her own. Scores have shape (batch,), one for each point; a discriminator's are logits: D(x) = sigmoid(score).
"""

import torch
from torch.nn.functional import logsigmoid

from helpers.sampling import uniform_noise


class Minimax:
    """The minimax loss: D raises V = mean log D(x) + mean log(1 - D(G(z))), and G lowers the same V.

    Computed from logits, so that D(x) = 1 - 1e-44 is no problem. At D = 1/2 everywhere, judge gives log 4 = 1.386 and
    generator -log 2. Source: Goodfellow et al. 2014, eq. (1). Taught in lesson 7.
    """

    name = "minimax"
    is_probability = True  # sigmoid(score) is the probability that D gives to "real"

    def judge(self, scores_real, scores_fake):
        """The discriminator's loss, -V, a scalar: two binary cross-entropies. Scores: (batch,) each."""
        _check_scores(scores_real=scores_real, scores_fake=scores_fake)
        return -(logsigmoid(scores_real).mean() + logsigmoid(-scores_fake).mean())

    def generator(self, scores_fake):
        """The generator's loss, mean log(1 - D(G(z))), a scalar. scores_fake: (batch,)."""
        _check_scores(scores_fake=scores_fake)
        return logsigmoid(-scores_fake).mean()


class ModifiedMinimax(Minimax):
    """The modified minimax loss, also called non-saturating: the same judge, and G raises mean log D(G(z)).

    Source: Goodfellow et al. 2014, section 3. Taught in lesson 9.
    """

    name = "modified minimax"

    def generator(self, scores_fake):
        """The generator's loss, -mean log D(G(z)), a scalar. scores_fake: (batch,)."""
        _check_scores(scores_fake=scores_fake)
        return -logsigmoid(scores_fake).mean()


class Wasserstein:
    """The Wasserstein loss: the critic raises its gap, mean score of real minus mean score of generated points.

    G raises the score of what it makes. Scores are no probabilities and have no threshold: the same number added to all
    of them changes nothing. The gap says something about a distance only while the critic cannot be steep:
    see `clip_weights` and `gradient_penalty`. Source: Arjovsky et al. 2017, eq. (2). Taught in lesson 10.
    """

    name = "Wasserstein"
    is_probability = False

    def judge(self, scores_real, scores_fake):
        """The critic's loss, minus its gap, a scalar. Scores: (batch,) each."""
        _check_scores(scores_real=scores_real, scores_fake=scores_fake)
        return scores_fake.mean() - scores_real.mean()

    def generator(self, scores_fake):
        """The generator's loss, minus the mean score, a scalar. scores_fake: (batch,)."""
        _check_scores(scores_fake=scores_fake)
        return -scores_fake.mean()


minimax = Minimax()
modified_minimax = ModifiedMinimax()
wasserstein = Wasserstein()


def clip_weights(critic, bound):
    """None; every weight and bias of the critic is moved into [-bound, bound], in place.

    It bounds how steep the critic can be, though not at 1. Raises ValueError for a bound that is not above 0.
    Source: Arjovsky et al. 2017. Taught in lesson 10.
    """
    _check_bound(bound)
    with torch.no_grad():
        for weights in critic.parameters():
            weights.clamp_(-bound, bound)


def gradient_penalty(critic, x_real, x_fake, rng, at="between"):
    """How far the critic's slope is from 1: the mean of (|slope| - 1)^2, a scalar, differentiable in its weights.

    x_real, x_fake: (batch, ...), as many of both. at="between": at one place between each real point and a generated
    one, uniformly drawn from rng (Gulrajani et al. 2017). at="real": R1, the mean of |slope|^2 at the real points;
    x_fake and rng are not used (Mescheder et al. 2018, who take half of it). Raises ValueError for other words,
    and where the two do not fit together. Taught in lesson 10.
    """
    _check_penalty_at(at)
    _check_pairs(x_real, x_fake, at)
    if at == "real":
        places, wanted = x_real, 0.0
    else:
        share = uniform_noise(len(x_real), 1, rng).reshape(-1, *[1] * (x_real.ndim - 1))  # one number for each pair
        places, wanted = x_real + share * (x_fake - x_real), 1.0
    places = places.detach().requires_grad_()
    slopes, = torch.autograd.grad(critic(places).sum(), places, create_graph=True)
    return (slopes.flatten(1).norm(dim=1) - wanted).square().mean()


def _check_scores(**scores):
    """Raises unless each is a float tensor of shape (batch,): others would be broadcast without a word."""
    for name, values in scores.items():
        if not isinstance(values, torch.Tensor) or not values.is_floating_point():
            kind = values.dtype if isinstance(values, torch.Tensor) else type(values).__name__
            raise TypeError(f"{name} must be a tensor of floats, the judge's scores, but is {kind}.")
        if values.ndim != 1 or len(values) == 0:
            advice = ""
            if values.ndim == 2 and values.shape[1] == 1:
                advice = f" Write {name}.squeeze(1), or end the judge with nn.Flatten(0)."
            raise ValueError(f"{name} must have shape (batch,), one score for each point; "
                             f"it has {tuple(values.shape)}.{advice}")


def _check_bound(bound):
    if isinstance(bound, bool) or not isinstance(bound, int | float) or not 0 < bound < float("inf"):
        raise ValueError(f"clip, the bound of the critic's weights, must be a positive number, but is {bound!r}.")


def _check_penalty_at(at):
    if at not in ("between", "real"):
        raise ValueError(f'the penalty is taken at "between" or at "real", but not at {at!r}.')


def _check_pairs(x_real, x_fake, at):
    if at == "between" and x_real.shape != x_fake.shape:
        raise ValueError(f"x_real has shape {tuple(x_real.shape)} and x_fake {tuple(x_fake.shape)}: "
                         "the penalty needs pairs, as many of both.")
