"""Speed and memory of the drawing, and how well litters are read: two minutes on one core.

Run `python -m tests.benchmarks puppies`.
Speeds are puppies per second of one core's time (process time, so other work on the machine matters little).
"""

import pathlib
import subprocess
import sys
import time

import torch

ROOT = pathlib.Path(__file__).parent.parent.parent
sys.path.insert(0, str(ROOT))
from helpers.puppies import N_FACTORS, draw_puppies, litter, litter_of  # noqa: E402
from tests.benchmarks import Row  # noqa: E402

PEAK = """
import torch
from helpers.puppies import N_FACTORS, draw_puppies
def peak():
    return int(open("/proc/self/status").read().split("VmHWM:")[1].split()[0])
torch.set_num_threads(1)
draw_puppies(torch.rand(2, N_FACTORS))
before = peak()
pictures = draw_puppies(torch.rand(4000, N_FACTORS))
print((peak() - before) / 1e6)
"""


def puppies_a_second(size, n):
    """Median of three runs of n puppies."""
    u = torch.rand(n, N_FACTORS, generator=torch.Generator().manual_seed(0))
    draw_puppies(u[:10], size)
    rates = []
    for _ in range(3):
        start = time.process_time()
        draw_puppies(u, size)
        rates.append(n / (time.process_time() - start))
    return sorted(rates)[1]


def read_rightly(size, noise, seed, n=5000):
    """Per cent of n fresh puppies whose litter is read rightly."""
    rng = torch.Generator().manual_seed(seed)
    u = torch.rand(n, N_FACTORS, generator=rng)
    right = 0
    for part in u.split(1000):
        pictures = draw_puppies(part, size)
        if noise:
            pictures += noise * torch.randn(pictures.shape, generator=rng)
        right += (litter_of(pictures) == litter(part)).sum().item()
    return 100 * right / n


def run(seeds=(11, 12)):
    """The Rows of the table; accuracies are the worst over the seeds."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    rows = []
    for size, n, required in ((32, 1000, 500), (100, 300, 50)):
        rate = puppies_a_second(size, n)
        name = f"puppies drawn at {size}x{size}, one core"
        rows.append(Row(name, rate, "a second", least=required))
    for size, noise, required in ((32, 0., 99.5), (100, 0., 99.5), (32, .05, 95.), (100, .05, 95.)):
        worst = min(read_rightly(size, noise, seed) for seed in seeds)
        name = f"litters read rightly at {size}x{size}" + (f", noise {noise}" if noise else "")
        rows.append(Row(name, worst, "%", least=required))
    if pathlib.Path("/proc/self/status").exists():
        command = [sys.executable, "-c", PEAK]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
        grown = float(done.stdout)
        rows.append(Row("memory for 4,000 puppies at 100x100", grown, "GB", most=1.5))
    torch.set_num_threads(threads)
    return rows
