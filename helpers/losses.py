"""The losses of a GAN: one number for each player, both to be made small, from the judge's scores.

A loss is an object with two methods, `judge(scores_real, scores_fake)` and `generator(scores_fake)`; a learner may
write her own. Scores have shape (batch,), one for each point; a discriminator's are logits: D(x) = sigmoid(score).
"""

import torch
from torch.nn.functional import logsigmoid


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


minimax = Minimax()
modified_minimax = ModifiedMinimax()


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
