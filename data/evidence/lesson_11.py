"""Recordings of lesson 11: one convolutional pair trained in every way of the series, and two longer runs to look at.

All random numbers are drawn on the CPU, so that a run is the same, up to rounding, on a GPU, where one is at hand.
"""

import functools

import numpy as np
import torch

from data.evidence.recording import recording
from helpers import losses, networks, picture_training
from helpers.distances import median_bandwidth
from helpers.distributions import from_points
from helpers.picture_scores import precision_recall, score_puppies, sharpness
from helpers.pictures import load_fashion
from helpers.puppies import N_FACTORS, draw_puppies, litter_features
from helpers.recordings import pack_sheet
from helpers.training import train_gmn

NOISE, CODES, N_SHOWN, N_SCORED = 64, 32, 24, 2000
NUMBERS = "captured", "reverse_kl", "confident", "frechet", "laplacian", "gradient", "background"  # of a PuppyScore
WAYS = {  # lengths that take about the same time on a CPU core, some ninety seconds on a slow one
    "minimax": dict(loss=losses.minimax, n_steps=1300),
    "modified": dict(loss=losses.modified_minimax, n_steps=1300),
    "wasserstein": dict(loss=losses.wasserstein, n_steps=400, judge_steps=3, penalty=10.0, r1=0.0, lr=5e-4),
}


def place():
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False  # 32 bits mean 32 bits
    return torch.device("cuda", 0) if torch.cuda.is_available() else torch.device("cpu")


def puppies(rng, device, size=32, n_kept=10_000):
    return picture_training.PuppyPictures(size, rng, n_kept, device)


def pair(rng, device, size=32, n_colours=3):
    return (networks.picture_generator(NOISE, size, rng, n_colours=n_colours).to(device),
            networks.picture_discriminator(size, rng, channels=32, n_colours=n_colours).to(device))


def piece_of(run, stop_after):
    """The losses of the first steps: (1, stop_after, losses)."""
    run.looks, run.average = run.n_steps // stop_after, None  # it does not change what is trained
    next(run)
    return {"losses": losses_of(next(run))[None, :stop_after]}


def losses_of(snapshot):
    return np.stack([values.numpy() for values in snapshot.losses.values()], axis=1)


def real_features_at(size):
    rng = torch.Generator().manual_seed(7)
    return litter_features(draw_puppies(torch.rand(1000, N_FACTORS, generator=rng), size))


real_features = functools.cache(real_features_at)


def scores_of(pictures):
    """The seven NUMBERS, then precision and recall, by the litter network's features."""
    score = score_puppies(pictures)
    close = precision_recall(litter_features(pictures[:1000]), real_features(pictures.shape[-1]))
    return [getattr(score, name) for name in NUMBERS] + [*close]


def looked_at(run):
    """Arrays of a run of puppies, each of one seed: steps, losses and scores at each look, and the last sheet."""
    steps, scores = [], []
    for snapshot in iter(lambda: next(run, None), None):  # no progress bar in here
        if snapshot.step:
            steps.append(snapshot.step)
            scores.append(scores_of(run.generate(N_SCORED)))
    return {"steps": np.array([steps]), "scores": np.array([scores], dtype=np.float32),
            "losses": losses_of(snapshot)[None].astype(np.float32), "sheet": pack_sheet(snapshot.pictures)[None]}


def made_on(device):
    return {"device": np.array([torch.cuda.get_device_name(device) if device.type == "cuda" else "a CPU core"])}


def one_by_one(function):
    """An experiment of many seeds from one of a single seed."""
    def whole(seeds, stop_after=None, **settings):
        each = [function(seed, stop_after, **settings) for seed in seeds]
        return {key: np.concatenate([arrays[key] for arrays in each]) for key in each[0]}

    whole.__doc__, whole.__name__ = function.__doc__, function.__name__
    return whole


def short(n_steps):
    """Settings of a short run: it is looked at once, by an average that remembers the last tenth of its steps."""
    return dict(n_steps=n_steps, averaging=1 - 10 / n_steps, looks=1, n_shown=N_SHOWN, mixed=False)


def runs_of(begin):
    """An experiment of many seeds: begin(pictures, rng, device) makes the run of one, on puppies of 32x32."""
    def one(seed, stop_after):
        device, rng = place(), torch.Generator().manual_seed(seed)
        run = begin(puppies(rng, device), rng, device)
        return piece_of(run, stop_after) if stop_after else looked_at(run) | made_on(device)

    return one_by_one(one)


def against_a_judge(way):
    def begin(pictures, rng, device):
        return picture_training.train_pictures(*pair(rng, device), pictures, rng, noise_dim=NOISE, batch_size=16,
                                               **WAYS[way] | short(WAYS[way]["n_steps"]))

    return runs_of(begin)


@recording("puppies_minimax", seeds=range(1100, 1105), settings={}, at_a_time=1, piece=4)
def puppies_minimax(seeds, stop_after=None):
    """Puppies of 32x32 by the convolutional pair with the minimax loss, 1,300 steps."""
    return against_a_judge("minimax")(seeds, stop_after)


@recording("puppies_modified", seeds=range(1100, 1105), settings={}, at_a_time=1, piece=4)
def puppies_modified(seeds, stop_after=None):
    """Puppies of 32x32 by the convolutional pair with the modified minimax loss, 1,300 steps."""
    return against_a_judge("modified")(seeds, stop_after)


@recording("puppies_wasserstein", seeds=range(1100, 1105), settings={}, at_a_time=1, piece=4)
def puppies_wasserstein(seeds, stop_after=None):
    """Puppies of 32x32 by the convolutional pair with the Wasserstein loss and the gradient penalty, 400 steps."""
    return against_a_judge("wasserstein")(seeds, stop_after)


@recording("puppies_gmn", seeds=range(1100, 1105), settings={}, at_a_time=1, piece=4)
def puppies_gmn(seeds, stop_after=None):
    """Puppies of 32x32 by the generator alone, down the MMD of the pixels, 220 steps."""
    def begin(pictures, rng, device):
        return picture_training.train_picture_gmn(pair(rng, device)[0], pictures, rng, noise_dim=NOISE, **short(220))

    return runs_of(begin)(seeds, stop_after)


def autoencoder(seed, device, n_steps):
    """A run of a variational autoencoder on puppies, the encoder, and the pictures."""
    rng = torch.Generator().manual_seed(seed)
    pictures = puppies(rng, device)
    decoder = networks.picture_generator(CODES, 32, rng).to(device)
    encoder = networks.picture_encoder(32, CODES, rng, channels=32).to(device)
    run = picture_training.train_vae(encoder, decoder, pictures, rng, batch_size=32, **short(n_steps))
    return run, encoder, pictures


@recording("puppies_vae", seeds=range(1100, 1105), settings={}, at_a_time=1, piece=4)
def puppies_vae(seeds, stop_after=None):
    """Puppies of 32x32 by a variational autoencoder with 32 codes and the cross-entropy, 740 steps."""
    def one(seed, stop_after):
        device = place()
        run, encoder, pictures = autoencoder(seed, device, 740)
        if stop_after:
            return piece_of(run, stop_after)
        arrays = looked_at(run)
        x = pictures.sample(1000, torch.Generator().manual_seed(seed + 50))
        with torch.no_grad():
            again = run.average(encoder.eval()(x).chunk(2, dim=1)[0]).cpu()
        x = x.cpu()
        again_sharpness = [sharpness(again, kind) / sharpness(x, kind) for kind in ("laplacian", "gradient")]
        return arrays | made_on(device) | {"again_sharpness": np.array([again_sharpness]),
                                           "pairs": pack_sheet(torch.cat([x[:12], again[:12]]))[None]}

    return one_by_one(one)(seeds, stop_after)


@recording("puppies_codes", seeds=range(1100, 1105), settings={}, at_a_time=1, piece=4)
def puppies_codes(seeds, stop_after=None):
    """Puppies of 32x32 by lesson 5's network for the codes of an autoencoder, whose decoder paints them."""
    def one(seed, stop_after):
        device = place()
        run, encoder, pictures = autoencoder(seed, device, 600)
        if stop_after:
            return piece_of(run, stop_after)
        *_, last = iter(lambda: next(run, None), None)
        rng = torch.Generator().manual_seed(seed + 50)
        x = pictures.sample(4000, rng)
        with torch.no_grad():
            codes = torch.cat([encoder.eval()(part).chunk(2, dim=1)[0].cpu() for part in x.split(500)])
        small = networks.mlp([CODES, 256, 256, CODES], rng)
        typical = median_bandwidth(codes[:1000])
        bandwidth = [float(typical) * factor for factor in (0.25, 0.5, 1.0, 2.0)]
        list(train_gmn(small, from_points(codes), rng, bandwidth, noise_dim=CODES, n_steps=1500, every=1500,
                       n_arrows=0))
        z = 2 * torch.rand(N_SCORED, CODES, generator=rng) - 1
        with torch.no_grad():
            painted = torch.cat([run.average(part.to(device)).cpu() for part in small(z).split(500)])
        arrays = {"steps": np.array([[last.step]]), "scores": np.array([[scores_of(painted)]], dtype=np.float32),
                  "losses": losses_of(last)[None].astype(np.float32), "sheet": pack_sheet(painted[:N_SHOWN])[None]}
        return arrays | made_on(device)

    return one_by_one(one)(seeds, stop_after)


def film_of(run, score_every=6):
    """Arrays of one seed: a sheet at each look, scores at some, and in the end the averaged generator's numbers."""
    steps, seconds, sheets, scored_at, scores = [], [], [], [], []
    for look, snapshot in enumerate(iter(lambda: next(run, None), None)):
        steps.append(snapshot.step)
        seconds.append(snapshot.seconds)
        sheets.append(pack_sheet(snapshot.pictures))
        if look and look % score_every == 0:
            scored_at.append(snapshot.step)
            scores.append(scores_of(run.generate(N_SCORED)))
    arrays = {"steps": np.array([steps]), "seconds": np.array([seconds], dtype=np.float32),
              "sheets": np.array([sheets]), "scored_at": np.array([scored_at]),
              "scores": np.array([scores], dtype=np.float32), "losses": losses_of(snapshot)[None].astype(np.float32)}
    return arrays | {"weights": weights_of(run.average.module)[None]}


def weights_of(network):
    """All numbers of a network as one float16 vector: its parameters, then batch norm's means and variances."""
    numbers = [parameter.reshape(-1) for parameter in network.parameters()]
    numbers += [buffer.reshape(-1) for buffer in network.buffers() if buffer.is_floating_point()]
    return torch.cat(numbers).detach().cpu().numpy().astype(np.float16)


def long_run(seed, n_steps, looks):
    rng, device = torch.Generator().manual_seed(seed), torch.device("cpu")
    pictures = puppies(rng, device)
    return picture_training.train_pictures(*pair(rng, device), pictures, rng, noise_dim=NOISE, n_shown=N_SHOWN,
                                           looks=looks, batch_size=16, n_steps=n_steps)


@recording("puppies_ten_minutes", seeds=range(1110, 1113), settings=dict(n_steps=8500), at_a_time=1, piece=4)
def puppies_ten_minutes(seeds, n_steps, stop_after=None):
    """Puppies of 32x32 on one CPU core: the modified minimax loss, 8,500 steps in about ten minutes."""
    def one(seed, stop_after):
        run = long_run(seed, n_steps, looks=30)
        return piece_of(run, stop_after) if stop_after else film_of(run)

    return one_by_one(one)(seeds, stop_after)


@recording("puppies_first_steps", seeds=range(1110, 1111), settings=dict(n_steps=8500, every=4), at_a_time=1, piece=4)
def puppies_first_steps(seeds, n_steps, every, stop_after=None):
    """The first 240 steps of puppies_ten_minutes' first run, looked at oftener, for the README's moving picture."""
    def one(seed, stop_after):
        run = long_run(seed, n_steps, looks=n_steps // every)
        if stop_after:
            return piece_of(run, stop_after)
        sheets, steps = [], [0, 4, 8, 16, 24, 32, 48, 64, 80, 112, 160, 240]
        for step in steps:
            run.due = step // every  # no look in between: it takes as long as many steps
            snapshot = next(run)
            sheets.append(pack_sheet(snapshot.pictures))
        return {"steps": np.array([steps]), "sheets": np.array([sheets]),
                "losses": losses_of(snapshot)[None].astype(np.float32)}

    return one_by_one(one)(seeds, stop_after)


@recording("fashion_modified", seeds=range(1130, 1135), settings=dict(n_steps=1000), at_a_time=1, piece=4)
def fashion_modified(seeds, n_steps, stop_after=None):
    """Fashion-MNIST, 28x28 and grey, by the convolutional pair with the modified minimax loss."""
    def one(seed, stop_after):
        device, rng = place(), torch.Generator().manual_seed(seed)
        pictures = load_fashion("train")[0].to(device)
        run = picture_training.train_pictures(*pair(rng, device, 28, n_colours=1), pictures, rng, noise_dim=NOISE,
                                              looks=10, n_shown=N_SHOWN, batch_size=16, n_steps=n_steps, mixed=False)
        if stop_after:
            return piece_of(run, stop_after)
        found = list(iter(lambda: next(run, None), None))
        real = load_fashion("test")[0]
        fresh = run.generate(1000)
        ratios = [sharpness(fresh, kind) / sharpness(real, kind) for kind in ("laplacian", "gradient")]
        close = precision_recall(fresh.flatten(1), real.flatten(1))
        return {"steps": np.array([[s.step for s in found]]),
                "sheets": np.array([[pack_sheet(s.pictures) for s in found]]),
                "scores": np.array([[*ratios, *close]], dtype=np.float32),
                "losses": losses_of(found[-1])[None].astype(np.float32)} | made_on(device)

    return one_by_one(one)(seeds, stop_after)
