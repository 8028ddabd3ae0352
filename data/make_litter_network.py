"""Train the network behind `helpers.puppies.litter_of` and write data/litter_network.npz.

Run `python data/make_litter_network.py` after every change of the drawing: three minutes on one core, half of
them for the report at the end. The same machine gives the same file.
"""

import contextlib
import io
import os
import pathlib
import sys
import tempfile

import numpy as np
import torch
import torch.nn.functional as F

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent))
from helpers import puppies

DRAWN = {32: 14_000, 100: 4_000, 16: 2_000}  # training puppies for each size at which they are drawn
N_STEPS = 5_000
BATCH_SIZE = 128
LEARNING_RATE = 3e-3
MOST_NOISE = .12  # pixel noise of a random sd up to this, so that noisy pictures can be read too


def initial_weights(rng):
    """Layer sizes as in `puppies._litter_features`, weights normal with variance 2 / inputs, biases 0."""
    shapes = {"convolution_1": (8, 3, 4, 4), "convolution_2": (16, 8, 4, 4), "convolution_3": (32, 16, 4, 4),
              "features": (32, 32 * 4 * 4), "heads": (sum(puppies.CHOICES), 32)}
    weights = {}
    for name, shape in shapes.items():
        scale = (2 / np.prod(shape[1:])) ** .5
        weights[name + "_weight"] = (torch.randn(shape, generator=rng) * float(scale)).requires_grad_()
        weights[name + "_bias"] = torch.zeros(shape[0], requires_grad=True)
    return weights


def training_set(drawn, rng):
    """Pictures (n, 3, 32, 32) and their four choices (n, 4). drawn: number of puppies for each size."""
    pictures, choices = [], []
    for size, n in drawn.items():
        u = torch.rand(n, puppies.N_FACTORS, generator=rng)
        for part in u.split(1000):
            pictures.append(puppies._at_32(puppies.draw_puppies(part, size)))
        choices.append(puppies._choices(u))
    return torch.cat(pictures), torch.cat(choices)


def disturbed(pictures, rng):
    """The batch moved by up to 2 pixels, with pixel noise of a random sd, small for most."""
    down, right = torch.randint(-2, 3, (2,), generator=rng).tolist()
    pictures = F.pad(pictures, (2, 2, 2, 2), mode="replicate")[:, :, 2 + down:34 + down, 2 + right:34 + right]
    sd = MOST_NOISE * torch.rand(len(pictures), 1, 1, 1, generator=rng) ** 2
    return pictures + sd * torch.randn(pictures.shape, generator=rng)


def loss_of(pictures, choices, weights):
    """Sum over coat, ears, patch and tongue of the cross-entropy."""
    scores = puppies._litter_scores(puppies._litter_features(pictures, weights), weights)
    return sum(F.cross_entropy(score, choice) for score, choice in zip(scores, choices.t()))


def train(n_steps=N_STEPS, seed=1, drawn=DRAWN):
    """The trained weights, a dict of tensors."""
    rng = torch.Generator().manual_seed(seed)
    pictures, choices = training_set(drawn, rng)
    weights = initial_weights(rng)
    optimiser = torch.optim.AdamW(weights.values(), LEARNING_RATE, weight_decay=1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, LEARNING_RATE, n_steps, pct_start=.1)
    for step in range(n_steps):
        batch = torch.randint(len(pictures), (BATCH_SIZE,), generator=rng)
        loss = loss_of(disturbed(pictures[batch], rng), choices[batch], weights)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        if step % 500 == 0:
            print(f"step {step}: loss {loss.item():.4f}", flush=True)
    return {name: w.detach() for name, w in weights.items()}


def save(weights, path=puppies.WEIGHTS):
    """Write the weights as float16 arrays; the old file stays in place until the new one is complete."""
    part, packed = path.with_name(f"{path.name}.part"), io.BytesIO()
    np.savez(packed, **{name: w.numpy().astype(np.float16) for name, w in weights.items()})
    try:
        part.write_bytes(packed.getvalue())
        os.replace(part, path)
    except OSError as error:
        sys.exit(f"{path} could not be written ({error.strerror}); an old file is as it was.")
    finally:
        with contextlib.suppress(OSError):
            part.unlink()


def check_writable(folder):
    """Ends with a sentence, before minutes of training, if nothing can be written there."""
    try:
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        sys.exit(f"{folder} cannot be written ({error.strerror}): nothing was trained.")


def accuracy(size, noise, seed, n=5000):
    """Share of n fresh puppies whose litter is read rightly."""
    rng = torch.Generator().manual_seed(seed)
    u = torch.rand(n, puppies.N_FACTORS, generator=rng)
    pictures = puppies.draw_puppies(u, size)
    pictures += noise * torch.randn(pictures.shape, generator=rng)
    return (puppies.litter_of(pictures) == puppies.litter(u)).float().mean().item()


if __name__ == "__main__":
    torch.set_num_threads(1)
    check_writable(puppies.WEIGHTS.parent)
    save(train())
    puppies._load_weights.cache_clear()
    for size, noise in ((32, 0.), (32, .05), (100, 0.), (100, .05)):
        right = accuracy(size, noise, seed=2)
        print(f"{size}x{size}, noise {noise}: {right:.2%} of 5,000 fresh puppies read rightly")
