"""How fast training on pictures is: python -m tests.benchmarks pictures

Steps a second of the 32x32 pair, batches of 32, on one core: `train_pictures` against the plain loop that tutorials show
(Radford et al. 2015's, as in PyTorch's own tutorial), in turn, so that another load slows both. The plain loop has the same
networks, written with torch's own layers, and the same losses and Adam; `train_pictures` does its averaging too.
On a GPU also how much of the time it is busy, of 100x100 pictures, by torch.profiler.
"""

import statistics
import time

import torch
import torch.nn.functional as F
from torch import nn

from helpers.networks import DoublingConv2d, picture_discriminator, picture_generator
from helpers.picture_training import train_pictures
from tests.benchmarks import Row

BATCH, NOISE, STEPS, REPEATS = 32, 64, 8, 5


def networks(size, device, channels=24):
    """The pair, and the rng that goes on."""
    rng = torch.Generator(device).manual_seed(0)
    return picture_generator(NOISE, size, rng, channels), picture_discriminator(size, rng, channels), rng


def with_own_layers(generator):
    """The generator with torch's two layers in place of each DoublingConv2d, with the same weights."""
    layers = []
    for layer in generator:
        if isinstance(layer, DoublingConv2d):
            plain = nn.Conv2d(layer.in_channels, layer.out_channels, 3, padding=1, bias=False)
            plain.load_state_dict(layer.state_dict())
            layers += [nn.Upsample(scale_factor=2), plain]
        else:
            layers.append(layer)
    return nn.Sequential(*layers)


def plain_step(generator, judge, adam_g, adam_d, x_real):
    """One step as tutorials write it."""
    ones, zeros = torch.ones(len(x_real)), torch.zeros(len(x_real))
    judge.zero_grad()
    F.binary_cross_entropy_with_logits(judge(x_real), ones).backward()
    x_fake = generator(torch.randn(len(x_real), NOISE))
    F.binary_cross_entropy_with_logits(judge(x_fake.detach()), zeros).backward()
    adam_d.step()
    generator.zero_grad()
    F.binary_cross_entropy_with_logits(judge(x_fake), ones).backward()
    adam_g.step()


def against_plain():
    """Median milliseconds of a step: of the plain loop, and of train_pictures without and with its R1."""
    pictures = torch.rand(200, 3, 32, 32)
    generator, judge, _ = networks(32, "cpu")
    generator = with_own_layers(generator)
    adams = [torch.optim.Adam(network.parameters(), lr=5e-4, betas=(0.5, 0.9)) for network in (generator, judge)]

    def plain():
        for _ in range(STEPS):
            plain_step(generator, judge, *adams, pictures[torch.randint(200, (BATCH,))])

    runs = []
    for r1 in (0.0, 0.1):
        mine, my_judge, rng = networks(32, "cpu")
        run = train_pictures(mine, my_judge, pictures, rng, noise_dim=NOISE, r1=r1, batch_size=BATCH,
                             n_steps=STEPS * (REPEATS + 1), looks=REPEATS + 1, n_shown=1, decay=False)
        next(run)
        runs.append(run)
    times = [[], [], []]
    for repeat in range(REPEATS + 1):
        began = time.perf_counter()
        plain()
        taken = [(time.perf_counter() - began)]
        for run in runs:
            before = run.seconds
            taken.append(next(run).seconds - before)
        if repeat > 0:  # the first warms up
            for kind, seconds in zip(times, taken):
                kind.append(1000 * seconds / STEPS)
    return [statistics.median(kind) for kind in times]


def busy_share(size=100, batch=64, steps=60):
    """(share of the time in which the GPU works, milliseconds a step) in training with all defaults."""
    device = torch.device("cuda", 0)
    generator, judge, rng = networks(size, device)
    pictures = torch.rand(500, 3, size, size, device=device)
    run = train_pictures(generator, judge, pictures, rng, noise_dim=NOISE, batch_size=batch, n_steps=4 * steps, looks=4,
                         n_shown=1)
    next(run), next(run)  # warm
    before = run.seconds
    time_alone = next(run).seconds - before
    activities = [torch.profiler.ProfilerActivity.CUDA]
    with torch.profiler.profile(activities=activities) as profile:
        run._train(3 / 4, run._bar())  # without the look that next() takes
    spans = sorted((event.time_range.start, event.time_range.end) for event in profile.events()
                   if event.device_type == torch.autograd.DeviceType.CUDA)
    busy, until = 0.0, 0.0
    for start, end in spans:  # kernels may overlap: each moment counts once
        busy += max(end - max(start, until), 0)
        until = max(until, end)
    return busy / 1e6 / time_alone, 1000 * time_alone / steps


def run():
    """The Rows of the table."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        plain, bare, full = against_plain()
    finally:
        torch.set_num_threads(threads)
    rows = [Row("32x32 pair, plain loop, one core", 1000 / plain, "steps a second"),
            Row("32x32 pair, train_pictures without R1", 1000 / bare, "steps a second"),
            Row("32x32 pair, train_pictures with R1", 1000 / full, "steps a second"),
            Row("train_pictures: the plain loop takes so many times longer", plain / bare, "times", least=1.3)]
    if torch.cuda.is_available():
        for batch in (32, 64, 128):
            share, milliseconds = busy_share(batch=batch)
            rows.append(Row(f"100x100 pair, batch {batch}, on the GPU", milliseconds, "ms a step"))
            rows.append(Row(f"100x100 pair, batch {batch}: the GPU is busy", 100 * share, "% of the time"))
    return rows
