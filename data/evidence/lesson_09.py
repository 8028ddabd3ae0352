"""What lesson 9 shows from records: the same starts, once with the minimax loss and once with the modified one."""

import copy

import numpy as np
import torch

from data.evidence.recording import recording
from helpers.distances import wasserstein1
from helpers.distributions import ring, two_moons
from helpers.losses import minimax, modified_minimax
from helpers.networks import judge, mlp
from helpers.sampling import uniform_noise
from helpers.training import BETAS, discriminator_step, generator_step, train_gan

LOSSES = {"minimax": minimax, "modified": modified_minimax}


def _noise(n, rng):
    return 2 * uniform_noise(n, 2, rng) - 1


@recording("modified_off_the_ground", seeds=range(900, 920),
           settings=dict(shift=4.0, head_start=300, n_steps=400, every=50, rate_d=2e-3, rate_sgd=0.1, rate_adam=2e-3))
def off_the_ground(seeds, shift, head_start, n_steps, every, rate_d, rate_sgd, rate_adam, stop_after=None):
    """Two moons, a generated cloud 4 units to the right of them, and a discriminator that learns 300 steps alone; then
    both learn in turn for 400 steps, the generator by plain gradient steps (SGD) or by Adam, with either loss.
    """
    target, kinds = two_moons(), [(loss, how) for how in ("sgd", "adam") for loss in LOSSES]
    looks = range(0, (stop_after or n_steps) + 1, every)
    w1 = {f"{loss}_{how}": np.zeros((len(seeds), len(looks)), np.float32) for loss, how in kinds}
    for i, seed in enumerate(seeds):
        rng = torch.Generator().manual_seed(seed)
        pair = mlp((2, 64, 64, 2), rng), judge((2, 64, 64, 1), rng)
        with torch.no_grad():
            pair[0][-1].bias += torch.tensor([shift, 0.0])
        optimizer_d = torch.optim.Adam(pair[1].parameters(), lr=rate_d, betas=BETAS)
        for _ in range(head_start):
            discriminator_step(*pair, optimizer_d, target.sample(128, rng), _noise(128, rng), minimax)
        state, then = optimizer_d.state_dict(), rng.get_state()
        for loss, how in kinds:  # all four go on from the same weights, with the same random numbers
            generator, discriminator = copy.deepcopy(pair)
            rng.set_state(then)
            look_rng = torch.Generator().manual_seed(seed + 10**6)
            optimizer_d = torch.optim.Adam(discriminator.parameters(), lr=rate_d, betas=BETAS)
            optimizer_d.load_state_dict(copy.deepcopy(state))
            weights = generator.parameters()
            optimizer_g = (torch.optim.SGD(weights, lr=rate_sgd) if how == "sgd"
                           else torch.optim.Adam(weights, lr=rate_adam, betas=BETAS))
            for step in range(looks[-1] + 1):
                if step % every == 0:
                    with torch.no_grad():
                        x_fake = generator(_noise(500, look_rng))
                    w1[f"{loss}_{how}"][i, step // every] = wasserstein1(x_fake, target.sample(500, look_rng))
                discriminator_step(generator, discriminator, optimizer_d, target.sample(128, rng), _noise(128, rng),
                                   minimax)
                generator_step(generator, discriminator, optimizer_g, _noise(128, rng), LOSSES[loss])
    return w1


@recording("modified_usual_start", seeds=range(900, 920),
           settings=dict(width=64, n_steps=2000, every=100, rate=2e-3), piece=100)
def usual_start(seeds, width, n_steps, every, rate, stop_after=None):
    """Two moons and the ring of eight from the usual start (two hidden layers of 64, Adam 2e-3 for both, batch 128),
    with either loss: Wasserstein-1 to 500 fresh real points, and the shares of 1,000 points nearest to each heap.
    """
    found = {}
    for target in (two_moons(), ring()):
        for name, loss in LOSSES.items():
            w1, shares, close = [], [], []
            for seed in seeds:
                rng = torch.Generator().manual_seed(seed)
                pair = mlp((2, width, width, 2), rng), judge((2, width, width, 1), rng)
                films = train_gan(*pair, target, rng, loss, n_steps=stop_after or n_steps, every=every, n_arrows=0,
                                  lr_generator=rate, lr_discriminator=rate)
                looks = list(films)
                w1.append([wasserstein1(look.x_fake[:500], look.x_real[:500]) for look in looks])
                if target.modes is not None:
                    distance = [torch.cdist(look.x_fake, target.modes).min(dim=1) for look in looks]
                    shares.append([nearest.bincount(minlength=8) / len(nearest) for _, nearest in map(tuple, distance)])
                    close.append([(far < 3 * target.sd).float().mean().item() for far, _ in map(tuple, distance)])
            kind = "moons" if target.modes is None else "ring"
            found[f"{kind}_{name}_w1"] = np.array(w1, np.float32)
            if shares:
                found[f"{kind}_{name}_shares"] = np.array([torch.stack(row).numpy() for row in shares], np.float32)
                found[f"{kind}_{name}_close"] = np.array(close, np.float32)
    return found


@recording("modified_collapse", seeds=range(900, 920),
           settings=dict(width=128, noise_dim=16, n_steps=2000, every=50, rate_g=1e-3, rate_d=3e-4))
def collapse(seeds, width, noise_dim, n_steps, every, rate_g, rate_d, stop_after=None):
    """The ring of eight with a discriminator that learns at a third of the generator's rate (3e-4 and 1e-3, Adam, batch
    128, noise of 16 numbers, two hidden layers of 128), with either loss: shares of 1,000 points nearest to each heap.
    """
    target, found = ring(), {}
    for name, loss in LOSSES.items():
        shares, spread, w1 = [], [], []
        for seed in seeds:
            rng = torch.Generator().manual_seed(seed)
            pair = mlp((noise_dim, width, width, 2), rng), judge((2, width, width, 1), rng)
            film = list(train_gan(*pair, target, rng, loss, noise_dim=noise_dim, n_steps=stop_after or n_steps,
                                  every=every, n_arrows=0, lr_generator=rate_g, lr_discriminator=rate_d))
            nearest = [torch.cdist(look.x_fake, target.modes).argmin(dim=1) for look in film]
            shares.append(torch.stack([one.bincount(minlength=8) / len(one) for one in nearest]).numpy())
            spread.append([look.x_fake.var(dim=0).sum().sqrt().item() for look in film])
            w1.append([wasserstein1(look.x_fake[:500], look.x_real[:500]) for look in film[::10]])
        found[f"{name}_shares"] = np.array(shares, np.float32)
        found[f"{name}_spread"] = np.array(spread, np.float32)
        found[f"{name}_w1"] = np.array(w1, np.float32)
    return found
