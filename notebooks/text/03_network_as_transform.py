# %% [markdown]
# # 3. A network is the transform
#
# **Can a network be that transformation?**
#
# Lesson 2 built transformations by hand and ended where formulas end. What we need is a transformation with *knobs*: flexible enough
# to become almost anything, and with a way to turn the knobs. A neural network is that. In this lesson you bend the plane with
# networks that know nothing, teach one a transformation that is given, and find out what is missing when none is given.
#
# *You need*: lessons 1 and 2, what a slope is, and how a matrix multiplies a vector. *Time*: about 75 minutes.
#
# *Open in Colab: this copy has no address yet; `make address REPOSITORY=owner/name` sets it.*

# %%
# Find the package `helpers`; where it is missing (in Colab, for instance), fetch it. Nothing is installed.
import os
import sys
from pathlib import Path

address, tag, folder = "", "v0.1.0", Path("generative-networks").absolute()
root = next((p for p in [folder, *folder.parents] if (p / "helpers/__init__.py").exists()), folder)
if not (root / "helpers").exists():
    if not address:
        raise SystemExit("This copy has no address yet: open this notebook inside a clone of the repository.")
    if os.system(f"git clone -q --depth 1 --branch {tag} https://github.com/{address} {folder.name}"):
        raise SystemExit(f"Fetching {address} failed: check the internet connection and run this cell again.")
sys.path.insert(0, str(root))

from helpers.guide import guide

guide()  # whoever begins in the middle is told which cells to run first

# %%
import copy
import math
from itertools import pairwise

import matplotlib.pyplot as plt
import numpy as np
import torch
from torch import nn

from helpers import networks, puppies, sampling
from helpers.checks import compare
from helpers.plots import PALETTE, finish, picture_grid, scatter_samples, warped_grid
from helpers.widgets import sliders

torch.set_num_threads(1)  # on networks as small as these, several threads only wait for each other
SEED = 3
rng = torch.Generator().manual_seed(SEED)

# %% [markdown]
# This is where we start: 800 points of normal noise with a grid drawn under them, and what a network does to both. The
# network's weights are random. Nobody has trained it for anything.

# %% teaches=["D14", "F5"]
z_gauss = sampling.box_muller(sampling.uniform_noise(800, 2, rng))
z_grid = torch.cartesian_prod(*[torch.linspace(-2.5, 2.5, 41)] * 2)
GAUSS = dict(low=-2.5, high=2.5, lines=15)  # the grid under the normal noise
WIDE = ((-3.6, 3.6), (-3.6, 3.6))


def zoomed(network):
    """The network as a map, shifted and zoomed so that the 800 points and the grid just fit the picture."""
    x = network(torch.cat([z_gauss, z_grid])).detach()
    low, high = x.min(dim=0).values, x.max(dim=0).values
    return lambda z: 7 * (network(z).detach() - (low + high) / 2) / (high - low).max().clamp(min=3e-5)


bend = zoomed(networks.mlp((2, 16, 16, 16, 2), torch.Generator().manual_seed(9)))
fig, (left, right) = plt.subplots(1, 2, figsize=(8.4, 4.6), layout="constrained")
for ax, transform, kind in ((left, lambda z: z, "noise"), (right, bend, "generated")):
    warped_grid(ax, transform, **GAUSS)
    scatter_samples(ax, transform(z_gauss), kind=kind, size=3)
finish(left, title="normal noise", limits=WIDE, equal=True)
finish(right, title="after a random network", limits=WIDE, equal=True)
plt.show()

# %% [markdown]
# **Figure 3.1.** Left: normal noise on a square grid. Right: the same points and the same grid after a network with random weights:
# creased, folded over itself, no longer a round cloud.
#
# ## Words
#
# | idea | symbol | in code | shape |
# |---|---|---|---|
# | noise, also called the latent vector | $z$ | `z` | `(batch, noise_dim)` |
# | real sample; generated sample | $x$; $G(z)$ | `x_real`; `x_fake` | `(batch, data_dim)` |
# | **layer**: multiply by a matrix, add a **bias** (a vector), apply an activation | $f(Wz+b)$ | `nn.Linear`, `nn.ReLU` | `(batch, fan_in)` to `(batch, fan_out)` |
# | **activation**: a curve applied to each number | ReLU: $\max(0, a)$; tanh | `nn.ReLU`, `nn.Tanh` | unchanged |
# | **multilayer perceptron**: layers, one after the other | $G$ | `mlp(sizes, rng)` | `(batch, noise_dim)` to `(batch, data_dim)` |
# | **unit**: one row of the matrix with its bias and its activation; it gives one number | | | |
# | **hidden layer**: one whose numbers nobody outside sees; depth is how many there are, width how many units each has | | `depth`, `width` | |
# | **batch**: several points handled at once, one a row | | `batch_size` | |
# | **parameters**: all weights and biases, the knobs | $\theta$ | `network.parameters()` | |
# | **loss**: how wrong the network is | | `loss` | one number |
#
# ---
# # Part A: a random network bends the plane
#
# A layer multiplies by a matrix, adds a bias and applies the activation to each number. Here it is by hand for one point, next
# to PyTorch's.

# %% teaches=["D14"]
weight = torch.tensor([[1.0, 0.5], [-0.25, 0.75]])
bias = torch.tensor([0.5, -0.5])
z = [1.0, -2.0]

a = [1.0 * z[0] + 0.5 * z[1] + 0.5,
     -0.25 * z[0] + 0.75 * z[1] - 0.5]  # a row of the matrix times z, plus the bias
x = [max(0.0, a[0]), max(0.0, a[1])]  # ReLU: keep what is positive
print(f"z = {z} becomes a = {a}, and ReLU makes it {x}")
assert torch.equal(torch.relu(torch.tensor([z]) @ weight.T + bias), torch.tensor([x]))

# %% [markdown]
# The first number stays, the second is cut to 0. For a whole batch it is one line, `torch.relu(z @ weight.T + bias)`; points are rows, hence the
# transpose `.T`. What does a layer do to the plane?

# %% teaches=["D14", "F5"]
stages = {"the noise $z$": lambda z: z,
          "matrix and bias: $a = Wz + b$": lambda z: z @ weight.T + bias,
          "ReLU: max(0, $a$)": lambda z: torch.relu(z @ weight.T + bias)}
fig, axes = plt.subplots(1, 3, figsize=(9, 3.3), layout="constrained", sharey=True)
for ax, (title, stage) in zip(axes, stages.items()):
    warped_grid(ax, stage, **GAUSS)
    scatter_samples(ax, stage(z_gauss), kind="noise" if ax is axes[0] else "generated", size=2.5)
    finish(ax, title=title, limits=((-4.4, 4.4), (-4.4, 4.4)), equal=True)
plt.show()

# %% [markdown]
# **Figure 3.2.** One layer in two steps. The matrix turns, stretches and shears the grid and the bias shifts it, but its lines stay straight and parallel. ReLU presses everything with a negative
# number flat onto an axis, or onto the corner.
#
# The next layer mixes what the units give. It can keep the plane as it is, since $\mathrm{relu}(z) - \mathrm{relu}(-z) = z$ (two units for each coordinate), and add a multiple of one more unit. That makes a
# **crease**: on one side of a straight line nothing happens, on the other side the plane is bent. At strength 1 one side is pressed flat onto the line; at 2 it is folded over like paper.

# %% teaches=["D14"]
def crease(z, direction, place, strength):
    """One crease: every z beyond a line is moved back, by strength times its distance from it."""
    angle = math.radians(direction)
    normal = torch.tensor([math.cos(angle), math.sin(angle)])
    unit = torch.relu(z @ normal - place)  # one ReLU unit: how far z lies beyond the line, or 0
    return z - strength * unit[:, None] * normal


fig, ax = plt.subplots(figsize=(4.6, 4.4), layout="constrained")
warped_grid(ax, lambda z: z, **GAUSS)
grid_lines, = ax.collections
scatter_samples(ax, z_gauss, kind="generated", size=3)
cloud, = ax.lines
finish(ax, title="one ReLU unit is one crease", limits=WIDE, equal=True)


def draw(direction, place, strength):
    def transform(z):
        return crease(z, direction, place, strength)

    warped_grid(ax, transform, **GAUSS, artist=grid_lines)
    cloud.set_data(*transform(z_gauss).T)
    beyond = (crease(z_gauss, direction, place, 1.0) != z_gauss).any(dim=1).float().mean()
    return (f"{100 * beyond:.0f} % of the points lie beyond the crease; "
            f"each is moved back by {strength:.1f} times its distance from it.")


sliders(draw, fig, direction=(0, 360, 5, 35), place=(-1.0, 2.0, 0.1, 0.5),
        strength=(0.0, 2.5, 0.1, 2.0))

# %% [markdown]
# **Figure 3.3.** A grid folded once along a straight line. Points on the near side have not moved; those on the far side lie mirrored on top of them.
#
# A network with hundreds of units can make hundreds of creases, and fold what was folded before.
#
# ## Predict: take the activation away
#
# Stack five layers, but leave the ReLU out: matrix and bias, matrix and bias, and so on. Send the round normal cloud through. What can come out?
#
# **(a)** any shape, if there are enough layers &nbsp; **(b)** a shape with straight sides &nbsp; **(c)** an ellipse &nbsp; **(d)** the same round cloud
#
# ## Try it: five knobs of a random network
#
# Choose *none* as activation and try to bend a line. (`mlp` is opened up in *The code*. *Weight scale* multiplies all weights; the biases stay. The
# picture is shifted and zoomed so that the whole grid fits; without activation the weight scale only zooms, so there you will see no change. The **shadow gap** in the sentence below it is a test of normality, explained under *Check*: a normal cloud gives 0.6 to 1.4 and hardly ever more than 1.5.)

# %% teaches=["D14", "F5"]
ACTIVATIONS = {"ReLU": nn.ReLU, "tanh": nn.Tanh, "none": None}
normal = torch.distributions.Normal(0.0, 1.0)


def random_network(depth, width, activation, weight_scale, seed):
    network = networks.mlp((2, *[width] * depth, 2), torch.Generator().manual_seed(seed),
                           ACTIVATIONS[activation])
    for layer in network:
        if isinstance(layer, nn.Linear):
            layer.weight.data *= weight_scale
    return network


def shadow_gap(x, directions=16):
    """The largest KS distance of the 1-D shadows of the cloud x from a normal one, times sqrt(n)."""
    angle = torch.arange(directions) * math.pi / directions
    shadows = (x - x.mean(dim=0)) @ torch.stack([angle.cos(), angle.sin()])
    u = normal.cdf(shadows / shadows.std(dim=0)).sort(dim=0).values  # uniform, if x is normal
    steps = torch.arange(len(x) + 1)[:, None] / len(x)
    return (torch.maximum(steps[1:] - u, u - steps[:-1]).max() * math.sqrt(len(x))).item()


fig, (left, right) = plt.subplots(1, 2, figsize=(8.4, 4.6), layout="constrained")
for ax, kind in ((left, "noise"), (right, "generated")):
    warped_grid(ax, lambda z: z, **GAUSS)
    scatter_samples(ax, z_gauss, kind=kind, size=3)
finish(left, title="normal noise", limits=WIDE, equal=True)
finish(right, title="after the network", limits=WIDE, equal=True)
bent_grid, bent_cloud = right.collections[-1], right.lines[-1]


def draw(depth, width, activation, weight_scale, seed):
    transform = zoomed(random_network(depth, width, activation, weight_scale, seed))
    warped_grid(right, transform, **GAUSS, artist=bent_grid)
    x = transform(z_gauss)
    bent_cloud.set_data(*x.T)
    network = f"Hidden layers: {depth} of {width} units, activation {activation}"
    if x.std(dim=0).max() < 0.1:  # the zoom makes it larger, unless there is nothing to zoom
        return f"{network}: one layer gives only zeros, so the whole cloud lands on one point."
    return f"{network}: the shadow gap is {shadow_gap(x):.1f} (a normal cloud: 0.6 to 1.4)."


sliders(draw, fig, depth=(1, 6, 1, 3), width=(2, 64, 1, 16), activation=list(ACTIVATIONS),
        weight_scale=(0.5, 5.0, 0.25, 2.0), seed=(0, 30, 1, 18))

# %% [markdown]
# **Figure 3.4.** Left: normal noise and its grid. Right: what a random network with three hidden layers of 16 ReLU units makes of them: straight
# pieces, joined at creases, some lying on top of others.
#
# The same depth, width and seed with each of the three activations:

# %% teaches=["F5"]
fig, axes = plt.subplots(1, 3, figsize=(9, 3.3), layout="constrained", sharey=True)
for ax, activation in zip(axes, ["none", "tanh", "ReLU"]):
    transform = zoomed(random_network(3, 16, activation, 2.0, seed=18))
    warped_grid(ax, transform, **GAUSS)
    scatter_samples(ax, transform(z_gauss), kind="generated", size=2.5)
    finish(ax, title=f"activation: {activation}", limits=WIDE, equal=True)
plt.show()

# %% [markdown]
# **Figure 3.5.** Without activation the lines stay straight and parallel and the cloud is an ellipse. Tanh bends the lines smoothly, ReLU bends them at creases.
#
# ## What you saw
#
# **(c)**: without activation you get an ellipse, at any depth, width and seed. Everything else comes from the activation, the
# **non-linearity**.
#
# ## Why
#
# Two layers without activation are one layer:
#
# $$W_2\,(W_1 z + b_1) + b_2 \;=\; \underbrace{W_2 W_1}_{W}\, z + \underbrace{W_2 b_1 + b_2}_{b}.$$
#
# So any number of them collapses to one matrix $A$ and one bias $b$. (A map with a bias is called *affine*; the field says "linear layer" all the same, and so do we.) And a normal cloud put through $x = Az + b$ is normal again, because sums of independent normal numbers are normal. Its mean is $b$, and
# its covariance, the table of how its coordinates vary together, is $A A^\top$: that of the round cloud is the identity, and the matrix acts on it from both sides.
#
# ## The code
#
# In words: *for each two neighbouring sizes a linear layer; between two layers an activation; nothing after the last.* (`pairwise` goes through neighbours: sizes 2, 64, 1 give (2, 64), then (64, 1). `nn.Sequential` applies its layers one after the other. The rest makes sure that the weights come from our `rng`.) Weights and biases start as uniform random numbers between
# $-1/\sqrt{n}$ and $1/\sqrt{n}$, where $n$ is the number of inputs of the layer, so that sums over many inputs do not grow from layer to layer. (Behind a ReLU they even shrink in each layer, and an untrained network makes a small heap of its noise.)

# %% tags=["shows:helpers.networks.mlp"] teaches=["D14"]
def mlp(sizes, rng, activation=nn.ReLU):
    layers = []
    for fan_in, fan_out in pairwise(sizes):
        if layers and activation is not None:
            layers.append(activation())
        layer = nn.utils.skip_init(nn.Linear, fan_in, fan_out,
                                   device=rng.device)  # empty: rng fills it
        bound = 1 / math.sqrt(fan_in)
        nn.init.uniform_(layer.weight, -bound, bound, generator=rng)
        nn.init.uniform_(layer.bias, -bound, bound, generator=rng)
        layers.append(layer)
    return nn.Sequential(*layers)

# %% [markdown]
# Smallest input first: a network from 2 numbers over 3 to 1. PyTorch prints its layers in order.

# %%
print(mlp((2, 3, 1), rng))

# %% [markdown]
# ## Check
#
# First the algebra: multiply the matrices of a deep stack without activation and compare one layer with all of them.

# %% teaches=["D14"]
def collapse(linear_stack):
    """The one matrix A and the one bias b that do the same as a stack of linear layers."""
    A, b = torch.eye(2), torch.zeros(2)
    for layer in linear_stack:
        A, b = layer.weight.detach() @ A, layer.weight.detach() @ b + layer.bias.detach()
    return A, b


stack = mlp((2, 16, 16, 16, 16, 2), rng, activation=None)
A, b = collapse(stack)
assert torch.allclose(stack(z_gauss), z_gauss @ A.T + b, atol=1e-5), "five layers must equal one"
n_parameters = sum(p.numel() for p in stack.parameters())
print(f"five layers, {n_parameters} parameters, do the work of {A.numel() + b.numel()}")

# %% [markdown]
# The other parameters are wasted. Now the cloud. How do we test whether it is normal in all directions? We let it cast a **shadow** on a line, that is, we project
# it, and measure the KS distance (lesson 2) of the shadow from a normal one with the same mean and sd (standard deviation). Sixteen lines, and the largest distance counts, times
# $\sqrt n$. Honest normal clouds stay below 1.5 but for a rare one, as the first lines of the cell check on 200 of them (lesson 2's bound of 1.95 was for a known mean and sd; here both are
# taken from the cloud itself). Below 1.5 the test sees no difference: with a small weight scale tanh bends hardly anything, for near 0 it is almost a straight line. So the cell takes the weight scale 2.

# %% teaches=["D14"]
honest = [shadow_gap(torch.randn(800, 2, generator=rng)) for _ in range(200)]
print(f"200 normal clouds: shadow gaps from {min(honest):.1f} to {max(honest):.1f}")
n_seeds = 20
gaps = {activation: [] for activation in ACTIVATIONS}
for seed in range(n_seeds):
    z_many = torch.randn(4000, 2, generator=rng)  # fresh noise for each network
    for activation, each in gaps.items():
        each.append(shadow_gap(random_network(3, 16, activation, 2.0, seed)(z_many).detach()))

for activation, each in gaps.items():
    n_normal = sum(gap < 1.5 for gap in each)
    print(f"activation {activation:5}: {n_normal:2d} of {n_seeds} random networks keep the cloud normal")
assert sum(gap > 1.5 for gap in honest) <= 1 and max(gaps["none"]) < 1.5
assert min(gaps["ReLU"]) > 1.6 and min(gaps["tanh"]) > 1.6

x = stack(z_many).detach()
assert torch.allclose(torch.cov(x.T), A @ torch.cov(z_many.T) @ A.T, rtol=1e-3, atol=1e-6)

# %% [markdown]
# Without activation all twenty networks keep the cloud normal; with ReLU or tanh none does. The last line checks that the matrix acts on the covariance from both sides.
#
# How crumpled can a ReLU network be? It is made of straight pieces. On each piece the same units are above zero, so count the different patterns
# of "above or below". The lines below are the creases of three networks, with 8 units in each hidden layer.

# %% tags=["nbval-ignore-output"] teaches=["D14"]
def units_above_zero(network, z):
    """For each z, which ReLU units are above 0: (n, number of units), True or False."""
    above = []
    for layer in network:
        if isinstance(layer, nn.ReLU):
            above.append(z > 0)
        z = layer(z)
    return torch.cat(above, dim=1)


def count_pieces(network, z):
    patterns = units_above_zero(network, z).long()
    return len(torch.unique(patterns @ 2 ** torch.arange(patterns.shape[1])))  # a number for each


ticks = torch.linspace(-3, 3, 300)
z_dense = torch.cartesian_prod(ticks, ticks)
fig, axes = plt.subplots(1, 3, figsize=(9, 3.3), layout="constrained", sharey=True)
for ax, depth in zip(axes, [1, 2, 3]):
    network = mlp((2, *[8] * depth, 2), torch.Generator().manual_seed(SEED + 11))
    for unit in units_above_zero(network, z_dense).T:
        if 0 < unit.sum() < len(unit):
            ax.contour(ticks, ticks, unit.reshape(300, 300).T.float(), levels=[0.5],
                       colors=PALETTE["ink"], linewidths=0.9)
    finish(ax, title=f"{depth} x 8 units: {count_pieces(network, z_dense)} pieces",
           limits=((-3, 3), (-3, 3)), equal=True, xlabel="$z_1$")
axes[0].set_ylabel("$z_2$")
plt.show()

n_seeds = 10
mean_pieces = {}
for sizes in ((2, 4, 2), (2, 8, 2), (2, 8, 8, 2), (2, 8, 8, 8, 2), (2, 16, 16, 2)):
    counts = [count_pieces(mlp(sizes, torch.Generator().manual_seed(seed)),
                           z_dense) for seed in range(n_seeds)]
    mean_pieces[sizes] = sum(counts) / n_seeds
    print(f"sizes {sizes!s:16}: {mean_pieces[sizes]:6.1f} pieces on average, at most {max(counts)}")
    if sizes == (2, 8, 2):
        assert max(counts) <= 37, "eight lines cut a plane into at most 37 pieces"
deeper = [mean_pieces[sizes] for sizes in ((2, 4, 2), (2, 8, 2), (2, 8, 8, 2), (2, 8, 8, 8, 2))]
assert all(fewer < more for fewer, more in pairwise(deeper))
assert mean_pieces[2, 8, 8, 2] < mean_pieces[2, 16, 16, 2]

# %% [markdown]
# **Figure 3.6.** The plane of the noise, cut by the creases of a network with one, two and three hidden layers. In the first layer the creases are whole straight lines. Those of deeper layers bend wherever
# they cross an earlier one. The list averages over ten seeds. (Counted on a fine grid inside this square, which misses the smallest pieces and what lies outside.)
#
# Line number $k$ crosses at most $k-1$ earlier lines and so adds at most $k$ pieces: eight lines cut a plane into at most $1 + (1 + 2 + \ldots + 8) = 37$. For more, you need more units or more layers. Width and depth both add pieces. With enough of them, the network should be able to follow any shape. Can it become the *right* one?
#
# ---
# # Part B: teach it a known transformation
#
# (From here on $z$ is uniform in the square, as in lesson 2. Normal noise would do as well; the two are different distributions, and each can be turned into the other.)
#
# The easiest case first: somebody gives us the answer. We take a spiral as in lesson 2, with one turn in place of two, and show the network **pairs**: this noise point $z$, that
# place $x$.
#
# ## Predict: how large must the network be?
#
# Three networks try to learn the spiral from pairs, with equally many steps: one hidden layer of 8 units (42 parameters), two of 8 (114), one of 64 (322). The target has two numbers in and two out.
#
# **(a)** all three fit, since the target is so small &nbsp; **(b)** one layer of 8 ends far behind one of 64 &nbsp; **(c)** none fits: a spiral needs more layers
#
# ## The code: learning from pairs
#
# In words: *draw a batch of pairs; measure the squared error; ask for its gradient in all parameters; take a small step downhill (the **learning rate**, `lr`, sets its size); repeat.* The gradient comes from
# **backpropagation** (the chain rule, applied from the last layer to the first, `loss.backward()`). The step is made by **Adam**, a common rule that
# gives every parameter its own step length. Along the way the loop keeps copies of the network, so that we can look back.

# %% teaches=["D14"]
def to_spiral(z):  # a spiral as in lesson 2, with one turn: (n, 2) in the square to (n, 2)
    turn = 2 * math.pi * z[:, 0]
    radius = 0.4 + 0.25 * turn + 0.45 * (z[:, 1] - 0.5)
    return torch.stack([radius * turn.cos(), radius * turn.sin()], dim=1)


def given_pairs(n, rng):
    z = sampling.uniform_noise(n, 2, rng)
    return z, to_spiral(z)


def train_on_pairs(network, draw_pairs, rng, n_steps=400, batch_size=256, lr=0.01, keep=()):
    """Turns the parameters so that network(z) comes near x; returns losses, and copies at `keep`."""
    optimiser = torch.optim.Adam(network.parameters(), lr=lr)
    losses, snapshots = [], {}
    for step in range(n_steps + 1):
        if step in keep:
            snapshots[step] = copy.deepcopy(network)
        z, x = draw_pairs(batch_size, rng)
        loss = ((network(z) - x) ** 2).sum(dim=1).mean()
        losses.append(loss.item())
        if step == n_steps:
            break
        optimiser.zero_grad()  # otherwise the gradients of earlier steps would be added
        loss.backward()
        optimiser.step()
    return losses, snapshots

# %% [markdown]
# ## Try it: scrub through the training
#
# Move the slider from the end to 0 and back. The points are always the same `z_fixed`, so you can follow each one. Nothing is trained while you drag: you look
# at 25 stored copies.

# %% tags=["nbval-ignore-output"] teaches=["D14"]
STEPS = sorted({round(400 * (i / 24) ** 2) for i in range(25)})  # closer together at the start
given_losses, given_run = train_on_pairs(mlp((2, 64, 64, 2), rng), given_pairs, rng, keep=STEPS)

z_fixed = sampling.uniform_noise(500, 2, rng)
x_real = to_spiral(sampling.uniform_noise(500, 2, rng))
PLANE = ((-2.6, 2.6), (-2.6, 2.6))
fig, (left, right) = plt.subplots(1, 2, figsize=(8.8, 4.3), layout="constrained",
                                  width_ratios=[1.1, 1])
scatter_samples(left, x_real, kind="real", alpha=0.25, label="the spiral")
warped_grid(left, to_spiral, lines=11)
bent_grid = left.collections[-1]
scatter_samples(left, x_real, kind="generated", size=3.5, label="the network's points")
bent_cloud = left.lines[-1]
left.legend(loc="upper left", frameon=False, fontsize=8)
finish(left, title="only the network's cloud moves", limits=PLANE, equal=True)
right.semilogy(given_losses, color=PALETTE["generated"], lw=1)
cursor, = right.semilogy([0], [1], "o", color=PALETTE["ink"])
finish(right, title="the loss falls", xlabel="step", ylabel="squared error")


def draw(snapshot):
    step = STEPS[snapshot]
    warped_grid(left, given_run[step], lines=11, artist=bent_grid)
    bent_cloud.set_data(*given_run[step](z_fixed).detach().T)
    cursor.set_data([step], [given_losses[step]])
    return f"After {step} steps the squared error on the batch is {given_losses[step]:.4f}."


sliders(draw, fig, snapshot=(0, 24, 1, 24))

# %% [markdown]
# **Figure 3.7.** Left: the spiral (pale circles) and the network's points (triangles) with the grid of the square, at the end of training: the network has all but become the
# formula. Right: the loss at each step; note the logarithmic scale.

# %% tags=["nbval-ignore-output"]
fig, axes = plt.subplots(1, 3, figsize=(9, 3.3), layout="constrained", sharey=True)
for ax, step in zip(axes, [0, STEPS[10], 400]):
    warped_grid(ax, given_run[step], lines=15)
    scatter_samples(ax, given_run[step](z_fixed), kind="generated", size=2.5)
    finish(ax, title=f"after {step} steps", limits=PLANE, equal=True)
plt.show()

# %% [markdown]
# **Figure 3.8.** The same network before training, part of the way, and at the end. The square starts as a small heap and is drawn out into the spiral.
#
# ## Check
#
# Does it always work? And how large must the network be? Four shapes, three seeds each. The error is measured on fresh noise that was not trained on, as a share of the
# error of the best *constant* answer: 1 is no better than a single point, 0 is perfect.

# %% tags=["nbval-ignore-output"] teaches=["D14"]
z_test, x_test = given_pairs(4000, rng)
of_constant = ((x_test - x_test.mean(dim=0)) ** 2).sum(dim=1).mean()
n_seeds, errors = 3, {}
for hidden in ([8], [8, 8], [64], [64, 64]):
    errors[str(hidden)] = []
    for seed in range(n_seeds):
        own_rng = torch.Generator().manual_seed(100 * SEED + seed)
        network = mlp((2, *hidden, 2), own_rng)
        train_on_pairs(network, given_pairs, own_rng)
        error = ((network(z_test) - x_test) ** 2).sum(dim=1).mean() / of_constant
        errors[str(hidden)].append(error.item())
    n_parameters = sum(p.numel() for p in network.parameters())
    mean, spread = np.mean(errors[str(hidden)]), np.std(errors[str(hidden)], ddof=1)
    print(f"hidden layers {hidden!s:8} {n_parameters:5d} parameters: "
          f"error {mean:.4f}, sd over {n_seeds} seeds {spread:.4f}")
assert max(errors["[64, 64]"]) < min(0.1, min(errors["[64]"]) / 2, min(errors["[8, 8]"]) / 2), "two wide layers do far better, from every seed"
assert min(errors["[8]"]) > max(errors["[64]"]), "no seed makes 8 units as good as 64"
assert np.mean(errors["[8]"]) > 2 * np.mean(errors["[64]"])

# %% [markdown]
# **(b)**: one layer of 8 ends far behind one of 64: even its best seed is worse than the worst of the other's. Two layers of 8, with a third of the parameters of one of 64, come as near from these three starts: a second layer can fold what was folded already.
# Two layers of 64 do the job from each of the three seeds.
#
# So a network *can* be the transformation. There is a theorem: the **universal approximation theorem** says that a network with one hidden layer and an activation such as tanh or ReLU (any that is no polynomial), if it is wide enough, comes as near as you like to any continuous
# function on a closed, bounded region (Cybenko 1989; Hornik, Stinchcombe and White 1989; Leshno and others 1993). Note the word *continuous*: Part E is about a map that is not. The article puts it as: networks can express functions as "complex", that is, as complicated, as we need. Strictly speaking, the theorem says that suitable weights *exist*. It does not say that training finds them.
#
# ## When it breaks: weights that exist and are not found
#
# The *tent* goes up from 0 to 1 and down again. It is a network made of two ReLU units: $T(z) = 2\,\mathrm{relu}(z) - 4\,\mathrm{relu}(z - \tfrac12)$. It has one tooth, and each further tent stacked upon it doubles the teeth: seven tents have 64, exactly, from 14 units. The same teeth fit into two hidden layers: 8 units of the first lay the line into 8 pieces, 16 units of the
# second lay that into 16. So in a network of sizes 1, 64, 64, 1 suitable weights exist; the cell writes them down. Then it trains a network of the very same sizes on pairs.

# %% tags=["nbval-ignore-output"] teaches=["D14"]
def teeth(z, folds=7):
    for _ in range(folds):  # each fold is a layer of two ReLU units with weights written by hand
        z = 2 * torch.relu(z) - 4 * torch.relu(z - 0.5)
    return z


def teeth_pairs(n, rng):
    z = sampling.uniform_noise(n, 1, rng)
    return z, teeth(z)


def saw(n_pieces):
    """Biases of n_pieces ReLU units, and weights of their sum that zigzags n_pieces times."""
    k = torch.arange(n_pieces)
    return -k / n_pieces, torch.where(k == 0, 1.0, 2.0) * (-1.0) ** k * n_pieces


by_hand = mlp((1, 64, 64, 1), rng)
with torch.no_grad():
    for parameter in by_hand.parameters():
        parameter.zero_()
    (b1, w1), (b2, w2) = saw(8), saw(16)
    by_hand[0].weight[:8, 0], by_hand[0].bias[:8] = 1.0, b1
    by_hand[2].weight[:16, :8], by_hand[2].bias[:16] = w1, b2
    by_hand[4].weight[0, :16] = w2

line = torch.linspace(0, 1, 2049)[:, None]
assert torch.equal(by_hand(line), teeth(line)), "these weights make all 64 teeth"
assert torch.equal(teeth(torch.arange(129)[:, None] / 128),
                   torch.arange(129)[:, None] % 2 * 1.0), "up and down, 64 times"
left_over = []
for seed in range(3):
    own_rng = torch.Generator().manual_seed(100 * SEED + seed)
    network = mlp((1, 64, 64, 1), own_rng)
    train_on_pairs(network, teeth_pairs, own_rng, n_steps=800)
    left_over.append(((network(line) - teeth(line)) ** 2).mean().item() / teeth(line).var().item())
print("share of the variance still unexplained, 3 seeds:", [f"{share:.2f}" for share in left_over])
assert min(left_over) > 0.8

fig, ax = plt.subplots(figsize=(8, 2.6), layout="constrained")
ax.plot(line, by_hand(line).detach(), color=PALETTE["real"], lw=0.7,
        label="weights written by hand")
ax.plot(line, network(line).detach(), color=PALETTE["generated"], lw=2, ls="--",
        label="the same sizes, trained")
ax.legend(loc="upper left", ncols=2, fontsize=8, framealpha=0.95)
finish(ax, title="the weights exist, this training does not find them", limits=((0, 1), (0, 1.3)),
       xlabel="$z$", ylabel="$x$")
plt.show()

# %% [markdown]
# **Figure 3.9.** Thin solid line: 64 teeth, made exactly by a network with weights written by hand. Dashed: a network of the same sizes after 800 steps of training on pairs (the last of three seeds); it stays near the middle, a constant, and explains nothing of the variance (a share near 1 is left over).
#
# That weights exist and that training finds them remain two statements. For the spiral, both hold.
#
# ---
# # Part C: take the pairs away
#
# The spiral was cheating: whoever can compute the partner of every $z$ has the formula and needs no network. For real pictures there are
# only **two clouds**: noise, as much as we like, and real samples. Nobody says which $z$ belongs to which $x$.
#
# What would one try first? The training loop wants pairs, so make some: draw a $z$, draw a real sample, call them partners.
#
# ## Predict: random partners
#
# Each step pairs fresh noise with random points of the spiral and lowers the squared error, exactly as before. Where will the network's points be in the end?
#
# **(a)** on the spiral, but in another order &nbsp; **(b)** spread over the whole plane &nbsp; **(c)** all near one single point &nbsp; **(d)** somewhere else each time, since the partners are random
#
# ## Try it: three ways to find a partner
#
# *Given* is Part B. *Random* is the first idea. *Nearest* is a second one: move and zoom the noise to the mean and the sd of the data, then pair each $z$ with the real sample that is nearest to it.

# %% tags=["nbval-ignore-output"] teaches=["D14"]
def random_pairs(n, rng):
    return sampling.uniform_noise(n, 2, rng), to_spiral(sampling.uniform_noise(n, 2, rng))


def nearest_in(x, z):
    """For each z, the row of the nearest real sample, once the noise is zoomed onto the data."""
    # uniform numbers have mean 1/2 and sd 1/sqrt(12)
    moved = (z - 0.5) * math.sqrt(12) * x.std(dim=0) + x.mean(dim=0)
    return torch.cdist(moved, x).argmin(dim=1)


def nearest_pairs(n, rng):
    z = sampling.uniform_noise(n, 2, rng)
    return z, x_real[nearest_in(x_real, z)]


def width_of(x):
    """The mean distance of the points from their centre."""
    return (x - x.mean(dim=0)).norm(dim=1).mean().item()


runs = {"given": given_run}
for name, draw_pairs in (("random", random_pairs), ("nearest", nearest_pairs)):
    _, runs[name] = train_on_pairs(mlp((2, 64, 64, 2), rng), draw_pairs, rng, keep=STEPS)

fig, ax = plt.subplots(figsize=(4.8, 4.5), layout="constrained")
scatter_samples(ax, x_real, kind="real", alpha=0.35, label="real")
scatter_samples(ax, x_real, kind="generated", size=3.5, alpha=0.8, label="generated")
bent_cloud = ax.lines[-1]
ax.legend(loc="upper left", frameon=False, fontsize=8)
finish(ax, title="who is whose partner?", limits=PLANE, equal=True)


def draw(partners, snapshot):
    step = STEPS[snapshot]
    x_fake = runs[partners][step](z_fixed).detach()
    bent_cloud.set_data(*x_fake.T)
    percent = 100 * width_of(x_fake) / width_of(x_real)
    return f"Partners: {partners}; after {step} steps the generated cloud is {percent:.0f} % as wide as the real one."


sliders(draw, fig, partners=["random", "nearest", "given"], snapshot=(0, 24, 1, 24))

# %% [markdown]
# **Figure 3.10.** The spiral (circles) and what a network makes of the noise (triangles) after training on random partners: all its points sit in one place, in the middle, where there is no real point at all.

# %% tags=["nbval-ignore-output"]
fig, axes = plt.subplots(1, 3, figsize=(9, 3.3), layout="constrained", sharey=True)
for ax, partners in zip(axes, runs):
    scatter_samples(ax, x_real, kind="real", alpha=0.35, size=3, label="real")
    scatter_samples(ax, runs[partners][400](z_fixed), kind="generated", size=3, label="generated")
    finish(ax, title=f"partners: {partners}", limits=PLANE, equal=True)
axes[0].legend(loc="upper left", frameon=False, fontsize=8)
plt.show()

# %% [markdown]
# **Figure 3.11.** Real points (circles) and generated ones (triangles) for three ways of pairing. Given: on the spiral. Random: one heap in the middle. Nearest: crowded in some places,
# thin in others, and points strewn across the hollow inside.
#
# ## What you saw
#
# **(c)**: the network starts as a small heap. With given pairs the heap is drawn out into the spiral; with random partners it stays a heap, and moves to the *mean* of the data. The loss did fall, as far as it can. Nearest partners
# do better, yet the result is not the distribution: the pairing itself is unfair, as the check below counts.
#
# ## Why
#
# What is the best single answer to several targets, if errors are squared? Suppose one $z$ is paired with 1, then with 2, then with 6. The next cell tries every answer.

# %%
targets = torch.tensor([1.0, 2.0, 6.0])
answers = torch.linspace(0, 7, 701)
squared_error = ((answers[:, None] - targets) ** 2).mean(dim=1)
best = answers[squared_error.argmin()]
print(f"best answer {best:.2f}, mean of the targets {targets.mean():.2f}, error there {squared_error.min():.2f}")
assert torch.isclose(best, targets.mean(), atol=0.01)

# %% [markdown]
# The best answer is the mean, which none of the targets is. In general the squared error teaches a network the average partner of each $z$, the **conditional mean** $E[x \mid z]$:
#
# $$E\,\|G(z) - x\|^2 \;=\; E\,\|G(z) - E[x \mid z]\|^2 \;+\; \underbrace{E\,\|x - E[x \mid z]\|^2}_{\text{no choice of } G \text{ changes this}}.$$
#
# With given pairs there is one partner for each $z$, so $E[x \mid z] = x$. With random partners, $x$ knows nothing of $z$, so $E[x \mid z] = E[x]$, one and the same point for all.
#
# ## Check
#
# Five seeds: how wide the generated cloud is, compared with the real one; how far its centre is from the mean of the spiral; and, for nearest partners, which share of 20,000 choices goes to the most popular tenth of the 500 real samples (a fair choice would give them about a tenth).

# %% tags=["nbval-ignore-output"] teaches=["D14"]
n_seeds = 5
widths, offsets, favourites, never = [], [], [], []
for seed in range(n_seeds):
    own_rng = torch.Generator().manual_seed(100 * SEED + seed)
    network = mlp((2, 64, 64, 2), own_rng)
    train_on_pairs(network, random_pairs, own_rng, n_steps=300)
    x_fake = network(z_test).detach()
    widths.append(width_of(x_fake) / width_of(x_test))
    offsets.append((x_fake.mean(dim=0) - x_test.mean(dim=0)).norm().item() / width_of(x_test))

    data = to_spiral(sampling.uniform_noise(500, 2, own_rng))
    chosen = nearest_in(data, sampling.uniform_noise(20_000, 2, own_rng))
    popularity = chosen.bincount(minlength=500).sort(descending=True).values
    favourites.append(popularity[:50].sum().item() / 20_000)
    never.append((popularity == 0).sum().item())
print(f"random partners, {n_seeds} seeds: width at most {max(widths):.3f} of the real one, "
      f"centre at most {max(offsets):.2f} away from the mean")
print(f"nearest partners, {n_seeds} seeds: a tenth of the real samples gets "
      f"{100 * min(favourites):.0f} to {100 * max(favourites):.0f} % of the choices; {min(never)} to {max(never)} of 500 are never chosen")
assert max(widths) < 0.02 and max(offsets) < 0.1
assert min(favourites) > 0.3

# %% [markdown]
# From each seed, random partners give a point at the mean. With nearest partners most samples are chosen now and then and some never, and the most popular tenth gets far more than its share: the pairing has the wrong *weights*. (One can make a *fair* pairing, in which each sample is used
# equally often. That is a deep idea; it returns in lesson 10.)
#
# We do not care *which* $z$ goes to which $x$; we only want the two **clouds** to be alike. The squared error of pairs cannot say that. What is missing is a number that says how far apart two clouds are.
#
# One more thing to keep in mind. The article draws two distributions that approach each other. Strictly speaking, only the generated cloud moves; the real cloud stays where it is, and so does the noise.
#
# ---
# # Part D: how many numbers go in?
#
# The article feeds a network $N$ uniform numbers to get a picture of $N$ numbers. The noise need not be that large: a network may have 2 inputs and
# 30,000 outputs. But the size of the noise, `noise_dim`, has a consequence.
#
# ## Predict: one number in, three out
#
# A network with random weights takes *one* number and returns three, a point in space. We send thousands of numbers through. What do the points form?
#
# **(a)** a cloud that fills a part of space &nbsp; **(b)** a curve &nbsp; **(c)** a surface &nbsp; **(d)** it depends on the network
#
# ## Try it: turn it
#
# As in lesson 2, we turn the points by a rotation and look at two coordinates.

# %% teaches=["D13"]
def tanh_network(noise_dim, data_dim, rng):
    """A random network with larger weights than usual, so that what it makes is well curved."""
    network = mlp((noise_dim, 32, 32, data_dim), rng, activation=nn.Tanh)
    for layer in (network[0], network[2]):
        layer.weight.data *= 3.5
    return network


def view(points, turn):
    """What a viewer sees who walks round by `turn` degrees, looking slightly down. (n, 3) to (n, 2)."""
    angle, down = math.radians(turn), math.radians(25)
    across = torch.tensor([-math.sin(angle), math.cos(angle), 0.0])
    upward = torch.tensor([math.cos(angle) * math.sin(down), math.sin(angle) * math.sin(down),
                           math.cos(down)])
    return points @ torch.stack([across, upward], dim=1)


images = {}
for noise_dim, side in ((1, 2500), (2, 50), (3, 14)):  # noise on a regular grid, to see its lines
    z = torch.cartesian_prod(*[torch.linspace(-1, 1, side)] * noise_dim).reshape(-1, noise_dim)
    x = tanh_network(noise_dim, 3, torch.Generator().manual_seed(5))(z).detach()
    images[noise_dim] = (x - x.mean(dim=0)) / x.std(dim=0)

fig, ax = plt.subplots(figsize=(4.8, 4.2), layout="constrained")
dots, = ax.plot([], [], "^", ms=2.2, mew=0, color=PALETTE["generated"])
finish(ax, title="how many numbers went in?", limits=((-3, 3), (-2.6, 2.6)), equal=True,
       ticks=False)


def draw(noise_dim, turn):
    dots.set_data(*view(images[noise_dim], turn).T)
    numbers = {1: "one number", 2: "two numbers", 3: "three numbers"}[noise_dim]
    return f"{len(images[noise_dim]):,} points, each made from {numbers}, seen from {turn} degrees."


sliders(draw, fig, noise_dim=(1, 3, 1, 2), turn=(0, 360, 5, 40),
        labels={"noise_dim": "numbers of noise"})

# %% [markdown]
# **Figure 3.12.** 2,500 points in space, made by a random network from a regular grid of pairs of numbers: they lie on a thin curved sheet, on which the lines of the grid can still be followed. Turn it until you see the sheet from its edge.

# %% teaches=["D13"]
fig, axes = plt.subplots(1, 3, figsize=(9, 3), layout="constrained", sharey=True)
for ax, (noise_dim, name) in zip(axes, {1: "a curve", 2: "a sheet", 3: "a body"}.items()):
    ax.plot(*view(images[noise_dim], 40).T, "^", ms=1.8, mew=0, color=PALETTE["generated"])
    finish(ax, title=f"{noise_dim} in, 3 out: {name}", limits=((-3, 3), (-2.6, 2.6)), equal=True,
           ticks=False)
plt.show()

# %% [markdown]
# **Figure 3.13.** From the same angle: one number of noise draws a curve, two a sheet, three fill a body.
#
# ## What you saw
#
# **(b)**, a curve, for any network: if you move one number from its lowest to its highest value, the output can only travel along a path. Length, bends and knots depend on the network. (A large network can wind its curve so densely that no picture shows the difference; it still has no area.)
#
# ## Why
#
# Near one point a smooth map (or a ReLU network, off its creases) acts like a matrix, its Jacobian (lesson 2), with `data_dim` rows and `noise_dim` columns. A matrix has no more independent directions, its **rank**, than columns:
#
# $$\operatorname{rank} J(z) \;\le\; \texttt{noise\_dim}.$$
#
# So from any place the output can move in at most `noise_dim` independent directions. For a *linear* map the same matrix acts everywhere, and the whole cloud is flat: its covariance $A A^\top$ has rank at most `noise_dim` too. A network is flat only in the small. Its cloud may be
# bent into every direction of the space, thin as it is.
#
# ## Check
#
# With 30 outputs: the rank of the whole cloud's covariance, and, for the network, the rank in the small, measured on 20 *patches*: clouds made from noise within a ten-thousandth of one place.

# %% teaches=["D13"]
def rank_of_cloud(x):
    """In how many directions a cloud extends; under a 100,000th of the largest variance is none."""
    return int(torch.linalg.matrix_rank(torch.cov(x.detach().T), rtol=1e-5))


n_seeds = 5
print("noise_dim    linear, whole: at most  network, whole: at least   network, patches: at most")
for noise_dim in (1, 2, 5):
    flat, bent, small = set(), set(), set()
    for seed in range(n_seeds):
        own_rng = torch.Generator().manual_seed(100 * SEED + seed)
        linear = mlp((noise_dim, 30), own_rng).double()
        network = tanh_network(noise_dim, 30, own_rng).double()
        z = 2 * sampling.uniform_noise(2000, noise_dim, own_rng).double() - 1
        flat.add(rank_of_cloud(linear(z)))
        bent.add(rank_of_cloud(network(z)))
        small.update(rank_of_cloud(network(place + 1e-4 * z)) for place in z[:20])
    assert max(flat) <= noise_dim and max(small) <= noise_dim < min(bent)
    print(f"{noise_dim:9d}{max(flat):24d}{min(bent):25d}{max(small):29d}")

# %% [markdown]
# From each of five seeds, the linear map's cloud has at most the rank of the noise, and so has each patch of the network's cloud. The network's whole cloud has more: the sheet is thin, but curved.
#
# A curve or a sheet fills no share of the space: its volume is zero.
#
# That is no defect. Lesson 1 showed that puppies lie on thin curved sheets, 40 of them, with twelve directions each. A noise of 16 numbers has enough directions for that (and will build bridges between the 40, see Part E). But it has a price. Two thin sheets that are not laid exactly on one another hardly
# meet anywhere, and in lesson 8 this will be the root of a gradient that vanishes.
#
# ---
# # Part E: bridges between islands
#
# Lesson 2's map to the two moons had to *tear* the square, and its open question was whether a map without a tear could do it.
#
# ## Predict: no tear allowed
#
# A network with ReLU or tanh is continuous: nearby noise has nearby images. We train one on pairs of the torn map, longer and longer. What happens to the points that lie between the moons?
#
# **(a)** after enough steps there are none &nbsp; **(b)** their share falls, but never to zero &nbsp; **(c)** half of all points end there
#
# ## Try it: a steep switch
#
# First a continuous map by hand. A *switch*, a single sigmoid unit with weight $s$ (the sigmoid is a smooth step from 0 to 1), fades from the upper moon to the lower one
# around $z_2 = \frac12$. The larger the **sharpness** $s$, the quicker the fade; the tear would be $s = \infty$. The line follows $z$ straight through the square from bottom to top.

# %% teaches=["D14"]
def upper_moon(z):  # moons as in lesson 2; here the second number walks along them, and waits at the end
    angle, radius = math.pi * (2 * z[:, 1]).clamp(0, 1), 1.1 + 0.3 * z[:, 0]
    return torch.stack([radius * angle.cos() - 0.6, radius * angle.sin() - 0.3], dim=1)


def lower_moon(z):
    angle, radius = math.pi * (2 * z[:, 1] - 1).clamp(0, 1), 1.1 + 0.3 * z[:, 0]
    return torch.stack([0.6 - radius * angle.cos(), 0.3 - radius * angle.sin()], dim=1)


def torn(z):
    return torch.where(z[:, 1:] < 0.5, upper_moon(z), lower_moon(z))


def faded(z, sharpness):
    switch = torch.sigmoid(sharpness * (z[:, 1:] - 0.5))
    return (1 - switch) * upper_moon(z) + switch * lower_moon(z)


along = torch.cartesian_prod(torch.linspace(0, 1, 7), torch.linspace(0, 0.5, 100))
islands = upper_moon(along), lower_moon(along + torch.tensor([0.0, 0.5]))


def off_land(x):
    """The distance of each point from the nearest of the two moons."""
    return torch.cdist(x, torch.cat(islands)).min(dim=1).values


z_moons = sampling.uniform_noise(1500, 2, rng)
z_path = torch.stack([torch.full((4001,), 0.5), torch.linspace(0, 1, 4001)], dim=1)
fig, ax = plt.subplots(figsize=(5.4, 4.2), layout="constrained")
scatter_samples(ax, torch.cat(islands), kind="real", size=3, alpha=0.3, label="real")
path, = ax.plot([], [], color=PALETTE["ink"], lw=1.2, zorder=3, label="path of one column of $z$")
on_land, = ax.plot([], [], "^", ms=3, mew=0, color=PALETTE["generated"], alpha=0.6,
                   label="generated, on land")
in_water, = ax.plot([], [], "x", ms=4, mew=0.8, color=PALETTE["extra"], label="generated, on the bridge")
ax.legend(loc="lower left", frameon=False, fontsize=8)
finish(ax, title="a continuous map leaves a bridge", limits=((-2.4, 2.4), (-2.0, 1.6)), equal=True)


def draw(sharpness):
    x = faded(z_moons, sharpness)
    wet = off_land(x) > 0.15
    path.set_data(*faded(z_path, sharpness).T)
    on_land.set_data(*x[~wet].T)
    in_water.set_data(*x[wet].T)
    return f"Sharpness {sharpness}: {int(wet.sum())} of {len(x)} points lie more than 0.15 off land."


sliders(draw, fig, sharpness=(5, 300, 5, 40))

# %% [markdown]
# **Figure 3.14.** The two moons (circles), points of a continuous map on land (triangles) and off it (crosses). The crosses lie along a bridge from one end of the upper moon to an end
# of the lower one. (The slow fade draws both ends into the bridge, which leaves them empty.)
#
# Now networks, trained on pairs of the torn map. Three stages of one run:

# %% tags=["nbval-ignore-output"] teaches=["D14"]
def moon_pairs(n, rng):
    z = sampling.uniform_noise(n, 2, rng)
    return z, torn(z)


_, moon_run = train_on_pairs(mlp((2, 64, 64, 2), rng), moon_pairs, rng, n_steps=1000,
                             keep=(50, 250, 1000))
fig, axes = plt.subplots(1, 3, figsize=(9, 3), layout="constrained", sharey=True)
for ax, (step, network) in zip(axes, moon_run.items()):
    x = network(z_moons).detach()
    wet = off_land(x) > 0.15
    scatter_samples(ax, torch.cat(islands), kind="real", size=2, alpha=0.3)
    ax.plot(*network(z_path).detach().T, color=PALETTE["ink"], lw=1.2, zorder=3)
    ax.plot(*x[~wet].T, "^", ms=2.5, mew=0, color=PALETTE["generated"], alpha=0.6)
    ax.plot(*x[wet].T, "x", ms=4, mew=0.8, color=PALETTE["extra"])
    finish(ax, title=f"{step} steps: {100 * wet.float().mean():.0f} % off land",
           limits=((-2.6, 2.6), (-1.5, 1.6)), equal=True)
plt.show()

# %% [markdown]
# **Figure 3.15.** A network that learns the torn map. At 50 steps many crosses show plain misfit; later they all lie between the moons, fewer and fewer, and the path of one column of noise still runs from one moon to the other.
#
# ## What you saw
#
# **(b)**: the share falls, but not to zero. (A small sample may happen to contain none; their probability is never 0.) The bridge keeps its length. It only gets thinner, because less and less noise is spread over it.
#
# ## Why
#
# Walk through the square from a $z$ that lands on the upper moon to one that lands on the lower. The output walks as well, without a jump. At the start it is nearer to the upper moon, at the end nearer to the lower one, so on the way it passes a place that is *equally far* from both (the intermediate value theorem).
# If the moons are a gap apart, that place is at least half the gap away from either. And since the map is continuous, a small patch of noise around that $z$ lands near that place too. A patch has positive area, so the probability to land off land is never zero. (Our limit for "off land", 0.15, is less than half the gap.)
#
# The only ways out are a map that is not continuous, or a noise that is not in one piece.
#
# ## Check
#
# For the map by hand: double the sharpness, and half as many points are off land. For trained networks, from three seeds: the share of the noise that lies on the bridge (off land, and near the tear) falls from 200 to 600 steps, and somewhere the path is at least half
# the gap from both moons.

# %% tags=["nbval-ignore-output"] teaches=["D14"]
gap = torch.cdist(*islands).min()
shares = [(off_land(faded(z_path, s)) > 0.15).float().mean().item() for s in (40, 80, 160)]
print("by hand, sharpness 40, 80, 160:", [f"{100 * share:.1f} %" for share in shares],
      "of a column off land")
assert all(0.4 < later / earlier < 0.6 for earlier, later in pairwise(shares))

for seed in range(3):
    own_rng = torch.Generator().manual_seed(100 * SEED + seed)
    _, run = train_on_pairs(mlp((2, 64, 64, 2), own_rng), moon_pairs, own_rng, n_steps=600,
                            keep=(200, 600))
    near_tear = (z_moons[:, 1] - 0.5).abs() < 0.1
    wet = [near_tear & (off_land(network(z_moons).detach()) > 0.15) for network in run.values()]
    early, late = (each.float().mean().item() for each in wet)
    x = run[600](z_path).detach()
    to_upper, to_lower = (torch.cdist(x, island).min(dim=1).values for island in islands)
    crossing = (to_upper < to_lower).long().diff().ne(0).nonzero()[0]  # the nearer moon changes
    widest_jump = (x[1:] - x[:-1]).norm(dim=1).max()
    print(f"trained, seed {seed}: {100 * early:.1f} % on the bridge, then {100 * late:.1f} %; "
          f"the column crosses {to_upper[crossing].item():.2f} from land, half the gap is {gap / 2:.2f}")
    assert 0 < late < early
    assert widest_jump < 0.05 and to_upper[crossing] > gap / 2 - widest_jump

# %% [markdown]
# Each path of 4,001 points moves in tiny steps and yet crosses the water. Remember the crosses: when a generator in a later lesson shows a faint thread of points between two heaps, this is why.
#
# ---
# # Part F: from a few numbers to a picture
#
# The article says that the noise is "upsampled" before it enters the network. Strictly speaking no separate step does that; it happens *inside* the network, layer by layer. Follow 16 numbers through a network that ends in a 32 x 32 picture:

# %% teaches=["D13"]
network = mlp((puppies.N_FACTORS, 64, 256, 3 * 32 * 32), rng)
z = sampling.uniform_noise(1, puppies.N_FACTORS, rng)
print(f"{'noise':20}{tuple(z.shape)}")
for layer in network:
    z = layer(z)
    print(f"{type(layer).__name__:20}{tuple(z.shape)}")
print(f"{'as a picture':20}{tuple(z.reshape(1, 3, 32, 32).shape)}")
assert z.numel() == 3 * 32 * 32

# %% [markdown]
# The last layer has as many outputs as the picture has numbers. But the puppy renderer is a known transformation from uniform numbers to
# pictures, so we have **pairs**: let a network learn to *draw*. To keep it short, only four of the 16 factors vary; the other twelve stay put.

# %% tags=["nbval-ignore-output"] teaches=["D13", "D14"]
VARIED = ("head_tilt", "position_x", "background_hue", "tongue")
columns = [puppies.FACTORS.index(name) for name in VARIED]
fixed = torch.full((puppies.N_FACTORS,), 0.5)
for name, value in {"coat": 0.7, "ears": 0.2, "eye_patch": 0.8}.items():
    fixed[puppies.FACTORS.index(name)] = value


def drawn(u):
    """True pictures for the four varied factors, as vectors. (n, 4) in [0, 1] to (n, 3072)."""
    all_factors = fixed.repeat(len(u), 1)
    all_factors[:, columns] = u
    return puppies.draw_puppies(all_factors, size=32).flatten(1)


u_train, u_fresh = sampling.uniform_noise(1000, 4, rng), sampling.uniform_noise(100, 4, rng)
x_train, x_fresh = drawn(u_train), drawn(u_fresh)


def puppy_pairs(n, rng):
    row = torch.randint(len(u_train), (n,), generator=rng)
    return 2 * u_train[row] - 1, x_train[row]  # numbers around 0 are easier for a network


painter = mlp((4, 64, 128, 3 * 32 * 32), rng)
losses, _ = train_on_pairs(painter, puppy_pairs, rng, n_steps=900, batch_size=64, lr=0.003)


def painted(u):
    return painter(2 * u - 1).detach()


error = ((painted(u_fresh) - x_fresh) ** 2).mean() / ((x_train.mean(dim=0) - x_fresh) ** 2).mean()
print(f"squared error on 100 fresh puppies: {100 * error:.1f} % of that of the mean picture")
assert error < 0.2

# %% [markdown]
# On fresh puppies the network is far better than the best constant picture. Choose the factors and look: on the left the truth, on the right the network.

# %% tags=["nbval-ignore-output"] teaches=["D13", "D14"]
fig, axes = plt.subplots(1, 2, figsize=(6.4, 3.6), layout="constrained")
images_shown = []
for ax, title in zip(axes, ["drawn by the formula", "painted by the network"]):
    picture_grid(ax, torch.zeros(1, 3, 32, 32), columns=1)
    images_shown.append(ax.images[-1])
    finish(ax, title=title)


def framed(x):
    """A picture vector as matplotlib wants it, with the white frame that picture_grid leaves."""
    picture = x.reshape(3, 32, 32).permute(1, 2, 0).clamp(0, 1)
    return np.pad(picture, ((1, 1), (1, 1), (0, 0)), constant_values=1.0)


def draw(**factors):
    u = torch.tensor([list(factors.values())])
    truth, guess = drawn(u), painted(u)
    for image, x in zip(images_shown, (truth, guess)):
        image.set_data(framed(x))
    difference = (truth - guess).square().mean().sqrt()
    return f"Typical difference of a pixel's brightness: {difference:.3f}, on a scale from 0 to 1."


sliders(draw, fig, head_tilt=(0.0, 1.0, 0.05, 0.2), position_x=(0.0, 1.0, 0.05, 0.4),
        background_hue=(0.0, 1.0, 0.05, 0.2), tongue=(0.0, 1.0, 0.05, 0.9))

# %% [markdown]
# **Figure 3.16.** A puppy drawn by the renderer, and by a network that has only ever seen pairs of four numbers and pictures. Edges that move with the factors are a little soft. Move *tongue* slowly through the middle.

# %% tags=["nbval-ignore-output"]
tongues = (0.0, 0.4, 0.48, 0.52, 0.6, 1.0)
u_tongue = torch.tensor([[0.3, 0.5, 0.7, t] for t in tongues])
fig, ax = plt.subplots(figsize=(8.4, 4), layout="constrained")
picture_grid(ax, torch.cat([drawn(u_tongue), painted(u_tongue)]).reshape(-1, 3, 32, 32), columns=6,
             titles=[f"{how}, {t:g}" for how in ("drawn", "painted") for t in tongues])
ax.set_title("the tongue from 0 to 1", loc="left")
plt.show()

# %% [markdown]
# **Figure 3.17.** Top row: the renderer, whose tongue jumps out at 0.5. Bottom row: the network, whose tongue appears gradually. In between are puppies with a half-transparent tongue, which the renderer never draws.
#
# The half-tongue is Part E's bridge, in a space of 3,072 dimensions: a puppy with and a puppy without tongue are two islands, and a continuous painter has to walk between them.
#
# So a network comes close to being the transformation from noise to puppies, for the four factors that we let vary, once pairs are given. A camera gives no pairs. It gives puppies.
#
# ## Exercises
#
# **1. Change a number and predict.** In Figure 3.4 choose tanh, one hidden layer, and a weight scale of 5, then move the width from 64 down to 2. Inside which four-cornered shape must the cloud stay at width 2, and why? Say it before you move.
#
# **2. Fill in the line.** A layer for a whole batch with a *leaky* ReLU, which keeps positive numbers and shrinks negative ones to a tenth. Here the matrix is stored the other way round: `z` has shape `(batch, 2)`, `weight` `(2, 3)`, `bias` `(3,)`. Nothing breaks while it is empty.

# %%
z_small = torch.tensor([[1.0, -2.0], [0.5, 0.5], [-1.0, 1.0], [2.0, 0.0]])
weight_in_out = torch.tensor([[1.0, -0.5, 2.0], [0.5, 1.0, 1.0]])
bias_3 = torch.tensor([0.5, -0.5, 0.25])


def leaky_layer(z, weight, bias):
    return ...  # your line


before = z_small @ weight_in_out + bias_3
no_bias = nn.functional.leaky_relu(z_small @ weight_in_out, 0.1)
leaky_hints = {
    "the activation is missing: negative numbers should shrink to a tenth": before,
    "the bias is missing": no_bias,
    "the bias has to be added before the activation, not after it": no_bias + bias_3,
    "that is the plain ReLU: negative numbers should shrink, not vanish": before.relu(),
    "that shrinks the positive numbers, not the negative ones": torch.minimum(before, 0.1 * before),
    "the negative numbers must stay negative": torch.where(before > 0, before, -0.1 * before),
    "PyTorch's own leaky_relu takes 0.01 unless told 0.1": nn.functional.leaky_relu(before),
}
compare("leaky_layer", lambda: leaky_layer(z_small, weight_in_out, bias_3),
        nn.functional.leaky_relu(before, 0.1), leaky_hints)

# %% [markdown]
# **3. Fill in the line.** How many parameters does an `mlp` have? Each layer has a matrix of `fan_out` times `fan_in` weights and `fan_out` biases; `pairwise(sizes)` gives the pairs.

# %%
def n_parameters_of(sizes):
    return ...  # your line; sizes such as (2, 64, 64, 2)


n_weights = 2 * 16 + 16 * 32 + 32 * 5
parameter_hints = {"the biases are missing": n_weights,
                   "a layer has one bias for each output, not for each input": n_weights + 2 + 16 + 32,
                   "a layer has one bias for each output, not one in all": n_weights + 3,
                   "the first layer is missing": 16 * 32 + 32 + 32 * 5 + 5,
                   "those are only the biases": 16 + 32 + 5,
                   "the last layer is missing": 2 * 16 + 16 + 16 * 32 + 32,
                   "that is the number of units, not of parameters": 2 + 16 + 32 + 5}
right_number = sum(p.numel() for p in mlp((2, 16, 32, 5), rng).parameters())
compare("n_parameters_of", lambda: n_parameters_of((2, 16, 32, 5)), right_number, parameter_hints)

# %% [markdown]
# **4. Fill in the line.** Two linear layers without activation, first `(W1, b1)`, then `(W2, b2)`, are one. Return its matrix and its bias.

# %%
W1, b1 = torch.tensor([[1.0, 0.5], [-0.5, 1.0], [2.0, 1.0]]), bias_3
W2, b2 = torch.tensor([[1.0, 0.0, 2.0], [0.0, -1.0, 3.0]]), torch.tensor([1.0, -2.0])


def compose(W1, b1, W2, b2):
    return ...  # your line: return W, b


def as_one(answer):
    """W and b side by side, so that one comparison sees both; what is not written yet stays so."""
    if answer is None or answer is ... or any(part is ... for part in answer):
        return ...
    if len(answer) != 2:
        raise ValueError("return two things, the matrix and the bias: W, b")
    W, b = answer
    if W.shape != (2, 2):
        raise ValueError(f"the matrix has shape {tuple(W.shape)}; from 2 numbers to 2 it must be (2, 2): "
                         "the later layer stands on the left")
    if b.shape != (2,):
        raise ValueError(f"the bias has shape {tuple(b.shape)}; two outputs need (2,)")
    return torch.cat([W, b[:, None]], dim=1)


right_one = W2 @ W1, W2 @ b1 + b2
compose_hints = {
    "the matrix is transposed": as_one(((W2 @ W1).T, W2 @ b1 + b2)),
    "the second layer acts on the first bias too: multiply b1 by W2": as_one((W2 @ W1, b2)),
    "the second bias is missing": as_one((W2 @ W1, W2 @ b1)),
}
compare("compose", lambda: as_one(compose(W1, b1, W2, b2)), as_one(right_one), compose_hints)

# %% [markdown]
# **5. Open question.** You have two clouds of points, 500 real and 500 generated, and no partners. Invent a number that is small when the clouds are alike and large when they are not. What does your number say when the generated points are
# all copies of one real point? And when they are right in shape, but shifted a little?
#
# ## Recap
#
# - A layer is a matrix, a bias and an activation. Without activations any stack is one affine map, and a normal cloud stays normal.
# - Each ReLU unit can add a crease: a straight line in the first layer, a bent one in deeper layers. Width and depth multiply the pieces.
# - With pairs, a training loop of fifteen lines turns a network into a spiral, or into a painter of puppies. That suitable weights exist is a theorem; that training finds them is not.
# - With random partners, the squared error teaches the mean.
# - `noise_dim` numbers make an image of at most `noise_dim` dimensions. A continuous map leaves bridges between islands.
#
# The table that grows through the series:
#
# | lesson | how a new point is made | what it needs | where it stops |
# |---|---|---|---|
# | 1 | a training point plus a little noise (kernel density) | samples | in many dimensions: copies with noise, nothing new |
# | 2 | a transformation of uniform numbers, built by hand | a formula; on a line, samples | where there is no formula and no order |
# | 3 | a transformation of noise, made by a network | pairs of noise and sample | where there are samples but no pairs |
#
# ## Next
#
# We want two clouds to be alike, and nobody tells us who belongs to whom. *How far apart are two clouds of points?* Lesson 4 gives several answers, with a number for each.

# %% [markdown]
# ## Answers
#
# Open what you want to see: the answers in words by their triangle, the code by the three dots.

# %% [markdown] tags=["answer"]
# <details><summary>Answer 1</summary>
#
# With two tanh units, every output is a matrix times two numbers between $-1$ and $1$, plus a bias: the picture lies inside the image of a square, and an affine map makes a parallelogram of a square. The cloud often fills only a part of it. With
# large weights at least one of the units is mostly near $-1$ or $1$, so most points crowd along the sides and corners.
#
# </details>

# %% jupyter={"source_hidden": true} tags=["answer"]
networks_of_two = [random_network(1, 2, "tanh", 5.0, seed) for seed in range(20)]
hidden = torch.stack([network[:2](z_many).detach() for network in networks_of_two])  # before the last matrix
near_a_side = (hidden.abs() > 0.9).any(dim=2).float().mean()
print(f"over 20 seeds, {100 * near_a_side:.0f} % of the points lie near a side or a corner of the square")
assert hidden.abs().max() <= 1 and near_a_side > 0.5

# %% jupyter={"source_hidden": true} tags=["answer"]
def leaky_layer(z, weight, bias):
    a = z @ weight + bias
    return torch.maximum(a, 0.1 * a)


def n_parameters_of(sizes):
    return sum(fan_in * fan_out + fan_out for fan_in, fan_out in pairwise(sizes))


def compose(W1, b1, W2, b2):
    return W2 @ W1, W2 @ b1 + b2


compare("leaky_layer", lambda: leaky_layer(z_small, weight_in_out, bias_3),
        nn.functional.leaky_relu(before, 0.1), leaky_hints)
compare("n_parameters_of", lambda: n_parameters_of((2, 16, 32, 5)), right_number, parameter_hints)
compare("compose", lambda: as_one(compose(W1, b1, W2, b2)), as_one(right_one), compose_hints)

# %% [markdown] tags=["answer"]
# <details><summary>Answer 5</summary>
#
# One idea among many: for each real point the distance to the nearest generated one, averaged, plus the same the other way round. If all generated points are copies of one real point, the second half is 0 but the first is large. It is why one
# direction alone would be fooled. It still has a blind spot: it does not see *how many* points lie in each place. A small shift gives a small number, which is what a learner needs: it says in which direction things get better. Lesson 4 asks these questions of several such numbers.
#
# </details>
