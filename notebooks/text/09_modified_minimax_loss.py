# %% [markdown]
# # 9. The modified minimax loss
#
# **What if the generator asks a better question?**
#
# A judge who is very sure tells the generator hardly anything: lessons 7 and 8 have shown the factor that does it. The inventors of GANs knew it, and gave the generator another question, in one line of the same paper. This lesson asks it on the same points, before the same judge. Then it measures, over many seeds, what that line cures and what it does not.
#
# *You need*: lessons 4 (KL, JS), 6 (limit cycle), 7 (the loop, both players' losses, $D^*$) and 8 (vanishing gradients, mode collapse). *Time*: about two hours.
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

import matplotlib.pyplot as plt
import numpy as np
import torch
from torch.func import functional_call, stack_module_state, vmap
from torch.nn.functional import binary_cross_entropy_with_logits, logsigmoid

from helpers import distances, distributions
from helpers.checks import compare
from helpers.losses import Minimax, minimax, modified_minimax
from helpers.networks import judge, mlp
from helpers.plots import METHOD_LOOKS, PALETTE, TEXT, finish, judge_field, scatter_samples
from helpers.recordings import load_recording
from helpers.sampling import uniform_noise
from helpers.theatre import theatre
from helpers.training import BETAS, discriminator_step, frozen, gan_push, generator_step
from helpers.widgets import sliders

torch.set_num_threads(1)  # on networks as small as these, several threads only wait for each other
SEED = 9
rng = torch.Generator().manual_seed(SEED)
SEEDS = range(1000 * SEED, 1000 * SEED + 20)  # of all that is measured live on many runs; recordings name their own

# %% [markdown]
# One frozen state. A generator and a discriminator have learned in turn for a while; then the discriminator alone went on, until it was ahead. Now nobody moves. Forty generated points, one judge, two questions. (`modified_minimax` is imported here; its one new line is written out below.)

# %% tags=["nbval-ignore-output"] teaches=["D36"]
LOSSES = {"minimax": minimax, "modified": modified_minimax}
LOOKS = {name: METHOD_LOOKS[name] for name in LOSSES}  # colour and line of each, in every lesson
moons = distributions.two_moons()


def noise(n, own_rng):
    return 2 * uniform_noise(n, 2, own_rng) - 1


def judge_ahead(seed, together=100, alone=150, every=25):
    """A pair after some steps in turn; then D alone. Returns G, D every few of its lonely steps, and the rng."""
    own_rng = torch.Generator().manual_seed(seed)
    generator, discriminator = mlp((2, 64, 64, 2), own_rng), judge((2, 64, 64, 1), own_rng)
    optimizer_d = torch.optim.Adam(discriminator.parameters(), lr=2e-3, betas=BETAS)
    optimizer_g = torch.optim.Adam(generator.parameters(), lr=2e-3, betas=BETAS)
    stages = []
    for step in range(together + alone + 1):
        if step >= together and (step - together) % every == 0:
            stages.append(copy.deepcopy(discriminator))
        discriminator_step(generator, discriminator, optimizer_d, moons.sample(128, own_rng), noise(128, own_rng), minimax)
        if step < together:
            generator_step(generator, discriminator, optimizer_g, noise(128, own_rng), minimax)
    return generator, stages, own_rng


frozen_generator, stages, frozen_rng = judge_ahead(SEED)
with torch.no_grad():
    points = frozen_generator(noise(40, frozen_rng))
    real_shown = moons.sample(300, frozen_rng)
window = ((-4.0, 4.0), (-4.0, 4.0))
sides = torch.linspace(-4, 4, 60)
places = torch.cartesian_prod(sides, sides).flip(1)
grounds = [torch.sigmoid(stage(places)).detach().reshape(60, 60) for stage in stages]
pushes = {name: [gan_push(stage, loss, points) for stage in stages] for name, loss in LOSSES.items()}


def longest(push):
    """The length that nine of ten arrows stay below."""
    return push.norm(dim=1).quantile(0.9).item()


fig, axes = plt.subplots(1, 3, figsize=(10.4, 3.7), layout="constrained", sharey=True)
scale = {name: 0.9 / longest(push[-1]) for name, push in pushes.items()}
for ax, name, title, factor in zip(axes, ("minimax", "modified", "minimax"),
                                   ("minimax, own scale", "modified, own scale", "minimax, modified's scale"),
                                   (scale["minimax"], scale["modified"], scale["modified"])):
    judge_field(ax, grounds[-1], window)
    scatter_samples(ax, real_shown, kind="real", size=3, alpha=0.8, edge=0.3)
    scatter_samples(ax, points, kind="generated", size=7, alpha=0.9, edge=0.6)
    ax.quiver(*points.T, *(factor * pushes[name][-1]).T, color=PALETTE["ink"], angles="xy", scale_units="xy", scale=1,
              width=0.005, zorder=3)
    finish(ax, title=title, limits=window, equal=True)
plt.show()
D_points = torch.sigmoid(stages[-1](points)).detach()
print(f"D(G(z)) of the forty points: from {D_points.min():.5f} to {D_points.max():.3f}, median {D_points.median():.3f}")
print(f"typical arrow: minimax {pushes['minimax'][-1].norm(dim=1).median():.3f}, "
      f"modified {pushes['modified'][-1].norm(dim=1).median():.3f}")

# %% [markdown]
# **Figure 9.1.** One frozen discriminator (blue ground: "real", orange ground: "generated"), real points (blue), the same forty generated ones (orange), and where each loss pushes them. Left and middle: each with a scale of its own, chosen for the eye; every arrow points the same way in both, and it is other points that have the long ones. Right: the minimax arrows again, on the middle panel's scale.
#
# ## Words
#
# | idea | symbol | in code | shape |
# |---|---|---|---|
# | score, or logit; what $D$ says | $a$; $D = \sigma(a) = 1/(1+e^{-a})$ | `scores_fake`; `torch.sigmoid(...)` | `(batch,)` |
# | **minimax** loss of the generator: $\log(1-D)$ *down* | $\operatorname{mean}\log(1 - D(G(z)))$ | `minimax.generator(...)` | one number |
# | **modified minimax** loss: $\log D$ *up*; also called *non-saturating* | $-\operatorname{mean}\log D(G(z))$ | `modified_minimax.generator(...)` | one number |
# | **to saturate**: to go flat; where a curve saturates, its slope is nearly 0 | | | |
# | **push**: the arrow on a generated point, minus the slope of its own term of the loss | | `gan_push(...)` | `(n, 2)` |
# | **gradient**: the slopes of the loss in all of the generator's weights, one list; its length | | | one number for each weight |
# | real density, generated density, their half-and-half mixture (lesson 4 called it $r$) | $p$, $q$, $m = \tfrac12(p+q)$ | | |
# | **zero-sum**: what one player loses, the other wins (lesson 6) | | | |
#
# ---
# # Part A: two questions about one point
#
# The judge has its score $a$ for a generated point. Minimax says: lower the logarithm of the probability of being *caught*. Modified says: raise the logarithm of the probability of being *believed*. To be caught less is to be believed more, so both want the same: $a$ higher. The question is only how much they want it.
#
# ## Predict
#
# The judge says $D = 0.01$: "surely generated". How many times as strong as the minimax push on this point is the modified one?
#
# **(a)** exactly as strong, since both want the same &nbsp; **(b)** twice &nbsp; **(c)** 99 times &nbsp; **(d)** it depends on the network
#
# ## Try it: two curves over one score
#
# Move the score. To the left the judge is sure that the point is generated, to the right that it is real.

# %% teaches=["D36"]
scores = torch.linspace(-10, 6, 321, dtype=torch.float64)
curves = {"minimax": logsigmoid(-scores), "modified": -logsigmoid(scores)}
slope_sizes = {"minimax": torch.sigmoid(scores), "modified": torch.sigmoid(-scores)}
fig, (left, right) = plt.subplots(1, 2, figsize=(9.6, 3.9), layout="constrained")
tangents, dots = {}, {}
for name, (color, look) in LOOKS.items():
    left.plot(scores, curves[name], look, color=PALETTE[color], lw=2)
    right.semilogy(scores, slope_sizes[name], look, color=PALETTE[color], lw=2)
    tangents[name], = left.plot([], [], color=PALETTE["generated"], lw=3)
    dots[name], = right.plot([], [], "^", color=PALETTE["generated"], ms=10)
left.text(-4.6, 6.6, "modified: $-\\log D$", color=TEXT["extra"])
left.text(-9.7, 0.6, "minimax: $\\log(1 - D)$", color=PALETTE["ink"])
right.text(-9.7, 1.35, "modified: $1 - D$", color=TEXT["extra"])
right.text(-5.4, 5e-4, "minimax: $D$", color=PALETTE["ink"])
finish(left, title="both losses fall as the score rises", limits=((-10, 6), (-7, 11)), xlabel="score a of a generated point",
       ylabel="loss of the generator")
finish(right, title="how steeply", limits=((-10, 6), (2e-5, 3)), xlabel="score a of a generated point",
       ylabel="size of the slope (log axis)")


def draw(score):
    D = 1 / (1 + math.exp(-score))
    for name, height, size in (("minimax", math.log1p(-D), D), ("modified", -math.log(D), 1 - D)):
        tangents[name].set_data([score - 1.4, score + 1.4], [height + 1.4 * size, height - 1.4 * size])
        dots[name].set_data([score], [size])
    return (f"Score {score:.1f}, D = {D:.5f}: the minimax loss falls with slope {D:.5f}, the modified one with slope "
            f"{1 - D:.5f}, which is {(1 - D) / D:.4g} times as much.")


sliders(draw, fig, score=(-9.2, 5.0, 0.1, -4.6))

# %% [markdown]
# **Figure 9.2.** Left: both losses of the generator over the score, with the tangent at the chosen one. Right: how steep they are. As stored, $D$ is about 0.01: the minimax curve lies flat there, the modified one falls steadily. Move to score 0, then to 4: which of the two is the quiet one there?
#
# Three scores side by side, with PyTorch's slopes in place of formulas, and then some famous numbers:

# %% teaches=["D36"]
def slopes_at(D):
    """The slopes of both losses in the score, by automatic differentiation, where the judge says D."""
    found = []
    for loss in LOSSES.values():
        score = torch.tensor([math.log(D / (1 - D))], dtype=torch.float64, requires_grad=True)
        loss.generator(score).backward()
        found.append(score.grad.item())
    return found


fig, axes = plt.subplots(1, 3, figsize=(9.6, 2.5), layout="constrained", sharey=True)
for ax, D in zip(axes, (0.01, 0.5, 0.99)):
    sizes = [-slope for slope in slopes_at(D)]
    ax.bar(["minimax", "modified"], sizes, color=[PALETTE[color] for color, _ in LOOKS.values()], width=0.5)
    for i, size in enumerate(sizes):
        ax.text(i, size + 0.03, f"{size:.2f}", ha="center", color=PALETTE["ink"])
    finish(ax, title=f"D = {D}", limits=((-0.6, 1.6), (0, 1.15)))
axes[0].set_ylabel("downhill slope")
plt.show()
for D, famous in ((0.1, 9), (0.01, 99), (0.001, 999), (0.0001, 9999)):
    of_minimax, of_modified = slopes_at(D)
    print(f"D = {D}: slopes {of_minimax:.4f} and {of_modified:.4f}, ratio {of_modified / of_minimax:.6g}")
    assert of_minimax < 0 and of_modified < 0, "the same direction"
    assert math.isclose(of_modified / of_minimax, famous, rel_tol=1e-9)
    assert math.isclose(of_modified / of_minimax, (1 - D) / D, rel_tol=1e-9)
    assert math.isclose(of_minimax + of_modified, -1, rel_tol=1e-12), "together they are always 1"
assert slopes_at(0.5)[0] == slopes_at(0.5)[1] == -0.5

# %% [markdown]
# **Figure 9.3.** The downhill slopes of both losses where the judge says 0.01, 0.5 and 0.99. One is the other's mirror image; both bars of a panel add up to 1.
#
# ## What you saw
#
# **(c)**: the ratio is $(1-D)/D$, and no network occurs in it. Where the judge does not believe a point, the modified loss is loud and minimax is silent; where it does, the roles are exchanged. In between, at $D = \tfrac12$, they are equal.
#
# ## Why
#
# With $D = \sigma(a)$ and $1 - D = \sigma(-a)$,
#
# $$\frac{d}{da}\log(1-D) = -D, \qquad\qquad \frac{d}{da}\bigl(-\log D\bigr) = -(1-D).$$
#
# The network enters afterwards, by the chain rule: the push on a point is this number times the slope of the score, $\nabla a$, in either case. So the two losses *share out* one and the same arrow. Minimax takes the part $D$ of it, the modified loss the part $1-D$. What minimax fails to say, the modified loss says, and the other way round.
#
# ## The code
#
# One line changes. The judge's part is inherited: *its* question was a good one.

# %% tags=["shows:helpers.losses.ModifiedMinimax"] teaches=["D36"]
class ModifiedMinimax(Minimax):
    """The generator raises mean log D(G(z)); the judge does what it always did. Goodfellow et al. 2014, section 3."""

    name = "modified minimax"

    def generator(self, scores_fake):
        return -logsigmoid(scores_fake).mean()


modified_minimax = ModifiedMinimax()
LOSSES["modified"] = modified_minimax  # from here on, every figure uses this notebook's own
real_scores, fake_scores = torch.randn(50, generator=rng), torch.randn(50, generator=rng) - 3
assert modified_minimax.judge(real_scores, fake_scores) == minimax.judge(real_scores, fake_scores)
print(f"at D = 1/2: minimax {minimax.generator(torch.zeros(9)):.6f} = -log 2, "
      f"modified {modified_minimax.generator(torch.zeros(9)):.6f} = log 2")
assert math.isclose(modified_minimax.generator(torch.zeros(9)).item(), math.log(2), rel_tol=1e-6)

# %% [markdown]
# Another way to say the same, which you will meet in most code: the generator is trained as if its points carried the label *real*. That is no lie to the judge, who learns with the true labels as before; it is one cross-entropy with the labels exchanged.
#
# The inventors' own program does it this way. In their repository, `goodfeli/adversarial`, the file `__init__.py` computes the generator's cost from the judge's answers to generated points and the label 1, and the settings with which they trained on handwritten digits (`mnist.yaml`) leave that as it is. So the loss of equation (1), after which the game is named, is not what the released program trains with. (The article calls it "modified"; strictly speaking, it is the original practice.)

# %% teaches=["D36"]
exchanged = binary_cross_entropy_with_logits(fake_scores, torch.ones(50))  # label 1, "real", on generated points
print(f"modified loss {modified_minimax.generator(fake_scores):.6f}, "
      f"cross-entropy with exchanged labels {exchanged:.6f}, "
      f"minimax {minimax.generator(fake_scores):.6f}, minus the true cross-entropy "
      f"{-binary_cross_entropy_with_logits(fake_scores, torch.zeros(50)):.6f}")
assert torch.isclose(modified_minimax.generator(fake_scores), exchanged)
assert torch.isclose(minimax.generator(fake_scores), -binary_cross_entropy_with_logits(fake_scores, torch.zeros(50)))

# %% [markdown]
# ---
# # Part B: the same points, another direction
#
# Back to the frozen state of Figure 9.1, with the loss as a switch. *Head start*: how many steps $D$ has learned alone.

# %% tags=["nbval-ignore-output"] teaches=["D36"]
D_stages = [torch.sigmoid(stage(points)).detach() for stage in stages]
fig, (left, right) = plt.subplots(1, 2, figsize=(9.8, 4.4), layout="constrained", width_ratios=(1, 1.05))
show_ground = judge_field(left, grounds[-1], window)
scatter_samples(left, real_shown, kind="real", size=3, alpha=0.8, edge=0.3)
scatter_samples(left, points, kind="generated", size=7, alpha=0.9, edge=0.6)
arrows = left.quiver(*points.T, *torch.zeros_like(points).T, color=PALETTE["ink"], angles="xy", scale_units="xy", scale=1,
                     width=0.005, zorder=3)
finish(left, title="where the points are pushed", limits=window, equal=True)
clouds = {}
least_D = min(D.min().item() for D in D_stages)
lengths = [push.norm(dim=1) for films in pushes.values() for push in films]
least, most = min(length.min().item() for length in lengths), max(length.max().item() for length in lengths)
for (name, (color, _)), marker in zip(LOOKS.items(), "ov"):
    clouds[name], = right.loglog([], [], marker, color=PALETTE[color], ms=6, alpha=0.8, label=name)
right.legend(frameon=False, loc="lower right")
finish(right, title="the same arrows, by their length", limits=((0.5 * least_D, 1.5), (0.3 * least, 3 * most)),
       xlabel="what D says about the point (log axis)", ylabel="length of its arrow (log axis)")


def draw(loss, head_start, one_scale):
    k = head_start // 25
    show_ground(grounds[k])
    factor = 0.9 / longest(pushes["modified" if one_scale else loss][k])
    arrows.set_UVC(*(factor * pushes[loss][k]).T)
    for name, cloud in clouds.items():
        cloud.set_data(D_stages[k], pushes[name][k].norm(dim=1))
        cloud.set_alpha(0.9 if name == loss else 0.25)
    return (f"D has learned {head_start} steps alone. {loss}: median arrow "
            f"{pushes[loss][k].norm(dim=1).median():.4f}; median D(G(z)) {D_stages[k].median():.4f}.")


sliders(draw, fig, labels={"head_start": "head start", "one_scale": "the modified one's scale for both"},
        loss=["minimax", "modified"], head_start=(0, 150, 25, 150), one_scale=False)

# %% [markdown]
# **Figure 9.4.** Left: the forty points and their arrows, for the loss chosen. Right: all arrows of both losses by what $D$ says about their point; the chosen loss is strong. Among the points that $D$ does not believe, the minimax arrows shrink with $D$, while the modified ones keep their length. Switch the loss and watch *which* points have the long arrows. Then go back to head start 0, where $D$ is less sure: there the two sets of lengths come together.
#
# Point by point, the ratio holds on any network, and the two arrows add up to the slope of the score:

# %% teaches=["D36"]
sharp, exact_points = copy.deepcopy(stages[-1]).double(), points.double()
D_exact = torch.sigmoid(sharp(exact_points)).detach()[:, None]
push_of = {name: gan_push(sharp, loss, exact_points) for name, loss in LOSSES.items()}
moved = exact_points.clone().requires_grad_()
slope_of_score, = torch.autograd.grad(sharp(moved).sum(), moved)
assert torch.allclose(push_of["modified"], (1 - D_exact) / D_exact * push_of["minimax"], rtol=1e-9, atol=0)
assert torch.allclose(push_of["modified"] + push_of["minimax"], slope_of_score, rtol=1e-9)
assert torch.allclose(push_of["minimax"], D_exact * slope_of_score, rtol=1e-9)
print(f"ratios of the forty points: from {((1 - D_exact) / D_exact).min():.3g} to {((1 - D_exact) / D_exact).max():.3g}")

# %% [markdown]
# "The same direction, another length": true for one point. But a generator's weights are moved by *all* points of a batch at once, and in that sum each has the weight $D$ or $1-D$. Minimax listens more to the points that $D$ believes, the modified loss more to those that it does not. So the two *gradients*, the lists of slopes of all the generator's weights, point in different directions. How different, in twenty such states?

# %% tags=["nbval-ignore-output"] teaches=["D36"]
def gradient(generator, discriminator, z, loss):
    """The slopes of the loss in all the generator's weights, as one list."""
    with frozen(discriminator):
        slopes = torch.autograd.grad(loss.generator(discriminator(generator(z))), list(generator.parameters()))
    return torch.cat([slope.flatten() for slope in slopes])


def angle(a, b):
    """The angle between two lists of numbers, in degrees."""
    cosine = torch.cosine_similarity(a.double(), b.double(), dim=0).clamp(-1, 1)
    return math.degrees(math.acos(cosine))


angles, heard = [], []
for seed in SEEDS:
    generator, judges, own_rng = judge_ahead(seed, together=60, alone=90, every=90)  # a little shorter, to be quick
    z = noise(2000, own_rng)
    with torch.no_grad():
        x_fake = generator(z)
    said = torch.sigmoid(judges[-1](x_fake)).detach()
    angles.append([angle(*(gradient(generator, network, z, loss) for loss in LOSSES.values())) for network in judges])
    lengths = [gan_push(judges[-1], loss, x_fake).norm(dim=1) for loss in LOSSES.values()]
    heard.append([((said * length).sum() / length.sum()).item() for length in lengths])
angles, heard = np.array(angles), np.array(heard)

fig, (left, right) = plt.subplots(1, 2, figsize=(9.2, 3.6), layout="constrained")
left.plot([0, 1], heard.T, "-", color=PALETTE["muted"], lw=0.8)
left.plot([0, 1], np.median(heard, axis=0), "D-", color=PALETTE["ink"], lw=2.5)
left.set_xticks([0, 1], ["minimax", "modified"])
finish(left, title="D of the points that are heard", limits=((-0.3, 1.3), (0, 1)), ylabel="mean of D, weighted by arrow")
for i in range(2):
    right.plot(np.full(len(SEEDS), i) + np.linspace(-0.15, 0.15, len(SEEDS)), angles[:, i], "o", color=PALETTE["muted"], ms=5)
    right.plot([i - 0.25, i + 0.25], [np.median(angles[:, i])] * 2, color=PALETTE["ink"], lw=2.5)
right.axhline(90, color=PALETTE["ink"], lw=1, ls=":")
right.text(1.47, 87, "unrelated directions", ha="right", va="top", color=PALETTE["ink"])
right.set_xticks([0, 1], ["both learned in turn", "then D alone, 90 steps"])
finish(right, title="angle between the two gradients", limits=((-0.5, 1.5), (0, 95)), ylabel="degrees")
plt.show()
print(f"{len(SEEDS)} states: median angle {np.median(angles[:, 0]):.0f} degrees in turn, {np.median(angles[:, 1]):.0f} with D "
      f"ahead (from {angles[:, 1].min():.0f} to {angles[:, 1].max():.0f}); weighted mean of D: median "
      f"{np.median(heard[:, 0]):.2f} under minimax, {np.median(heard[:, 1]):.2f} under modified")
assert (heard[:, 0] > heard[:, 1]).all(), "with these weights it cannot be otherwise"
assert np.median(heard[:, 0] / heard[:, 1]) > 1.2, "but how much is a measurement"
assert np.median(angles[:, 1]) > np.median(angles[:, 0]) and np.median(angles[:, 1]) > 5
assert (angles < 90).sum() >= 38, "and yet not against each other"

# %% [markdown]
# **Figure 9.5.** Left: the average of what $D$ says about the generated points, each weighted by the length of its arrow; thin lines are single states, the thick one their median. The modified loss attends to points that are believed less, in every state (it must: a weight $1-D$ always favours smaller $D$ than a weight $D$ does). Right: the angle between the two gradients. After learning in turn it is small; with a judge that is ahead it is larger, and differs much from state to state.
#
# ---
# # Part C: without any training
#
# Two bells that do not learn: real $N(0,1)$, generated $N(t, 1)$, and the best possible judge, $D^* = p/(p+q)$. Its score is $a(x) = \log p - \log q = t^2/2 - t\,x$, with slope $-t$ everywhere. So minimax pulls $t$ back with the strength $t \cdot \operatorname{mean} D$ and the modified loss with $t \cdot \operatorname{mean}(1 - D)$.

# %% teaches=["D36"]
Z = torch.linspace(-10, 10, 4001, dtype=torch.float64)
WEIGHT = torch.exp(-Z**2 / 2)
WEIGHT = WEIGHT / WEIGHT.sum()  # means over the normal distribution become weighted sums: no sampling noise here


def pulls(t):
    """How strongly minimax and modified pull the generated bell back, before the best judge."""
    D = torch.sigmoid(t**2 / 2 - t * (Z + t))
    return t * (WEIGHT @ D).item(), t * (WEIGHT @ (1 - D)).item()


TABLE = {1: (0.397973, 0.602027), 3: (0.295864, 2.704136), 4: (0.137195, 3.862805), 8: (3.929e-4, 7.999607)}
for t, expected in TABLE.items():
    print(f"t = {t}: minimax {pulls(t)[0]:.4g}, modified {pulls(t)[1]:.6g}, together {sum(pulls(t)):.6g}")
    assert np.allclose(pulls(t), expected, rtol=2e-4, atol=1e-6) and math.isclose(sum(pulls(t)), t)

shifts = np.linspace(0.05, 10, 200)
pull_curves = np.array([pulls(t) for t in shifts])
assert 1 < shifts[pull_curves[:, 0].argmax()] < 3, "minimax is strongest here"
assert np.allclose(pulls(8)[0], math.sqrt(math.pi / 2) * math.exp(-8), rtol=0.1), "and then falls like exp(-t^2/8)"
assert abs(pulls(0.1)[0] - pulls(0.1)[1]) < 0.01 and max(pulls(0.1)) < 0.06, "alike, and small, near 0"
xs = np.linspace(-5, 14, 381)


def bell(x):
    return np.exp(-x**2 / 2) / math.sqrt(2 * math.pi)


fig, (left, right) = plt.subplots(1, 2, figsize=(9.6, 3.8), layout="constrained", width_ratios=(1.2, 1))
left.fill_between(xs, bell(xs), color=PALETTE["real"], alpha=0.3)
left.text(-0.1, 0.1, "real", color=PALETTE["real"], ha="center")
fake, = left.plot(xs, bell(xs), color=PALETTE["generated"], lw=2)
verdict, = left.plot(xs, xs, color=PALETTE["discriminator"], lw=1.5)
fake_name = left.text(0, 0.36, "generated", color=TEXT["generated"])
left.text(-4.9, 0.9, "$D^*$", color=PALETTE["discriminator"])
finish(left, limits=((-5, 14), (0, 1.05)), xlabel="x", ylabel="density; what $D^*$ says", title="real, generated, the best judge")
marks = {}
for i, (name, (color, look)) in enumerate(LOOKS.items()):
    right.semilogy(shifts, pull_curves[:, i], look, color=PALETTE[color], lw=2)
    marks[name], = right.plot([], [], "^", color=PALETTE["generated"], ms=10)
right.text(5.1, 14, "modified", color=TEXT["extra"])
right.text(3.2, 1.5e-3, "minimax", color=PALETTE["ink"])
finish(right, limits=((0, 10), (1e-5, 40)), xlabel="t, how far the generated bell is off", ylabel="pull on t (log axis)",
       title="what the generator hears")


def draw(t):
    fake.set_ydata(bell(xs - t))
    fake_name.set_x(t + 0.65)
    verdict.set_ydata(1 / (1 + np.exp(t * xs - t**2 / 2)))
    for mark, pull in zip(marks.values(), pulls(t)):
        mark.set_data([t], [pull])
    return f"t = {t:.1f}: minimax pulls with {pulls(t)[0]:.3g}, modified with {pulls(t)[1]:.3g}; together {sum(pulls(t)):.3g}."


sliders(draw, fig, t=(0.1, 10.0, 0.1, 6.0))

# %% [markdown]
# **Figure 9.6.** Left: the bells and the best judge's curve. Right: how strongly each loss pulls the generated bell back. The minimax pull rises, has its highest point between 1 and 3, and then falls like $e^{-t^2/8}$ (lesson 8: what is left comes from the middle between the bells); the modified pull comes near $t$ itself. (For small $t$ they are alike, and go to 0 together: at $t = 0$ both are at rest.)
#
# ### What does it go down?
#
# Lesson 7: before the best judge, the minimax generator goes down $2\,\mathrm{JS}$. And the modified one? Write its loss in two parts,
#
# $$-\log D^* \;=\; -\log(1 - D^*) + \log\frac{1-D^*}{D^*} \;=\; -\log(1-D^*) + \log\frac{q}{p},$$
#
# and take the slope of its mean over generated points, with $D^*$, and so $\log\frac qp$, held still while the points move. The first part gives minus the minimax slope, $-\nabla\,2\,\mathrm{JS}$. The second gives the slope of the Kullback-Leibler divergence of lesson 4, generated first:
#
# $$\nabla\,\mathrm{KL}(q\,\|\,p) \;=\; \nabla\!\int q\,\log\tfrac{q}{p} \;=\; \int (\nabla q)\,\log\tfrac{q}{p} \;+\; \int q\,\nabla\log q ,$$
#
# and the last integral, which comes from the $q$ inside the logarithm, is $\int \nabla q = \nabla 1 = 0$. Together (Arjovsky and Bottou 2017, theorem 2.5), the slope of the modified loss, $D^*$ held still, is
#
# $$\nabla\bigl[\mathrm{KL}(q\,\|\,p) - 2\,\mathrm{JS}(p, q)\bigr] \;=\; \nabla\, 2\,\mathrm{KL}(m\,\|\,p), \qquad m = \tfrac12(p+q).$$
#
# The minus looks alarming, as if the generator were to *flee* from the real distribution. The last form shows that it is not so: $q\log\frac qp - q\log\frac qm - p\log\frac pm = (p+q)\log\frac mp$, so what remains is $\int 2m\log\frac{m}{p}$, which is never negative, and 0 only for $p = q$. (Up to a factor this is the *softened reverse KL* of Shannon et al. 2020.) Two warnings. It is the *slope* that belongs to this divergence, not the value of the loss. And where $q$ has points and $p$ has no density, the divergence is infinite: this is a statement about clouds that overlap. The cell checks both steps, on a bell whose place *and* width are free.

# %% teaches=["D36"]
axis = torch.arange(-25, 30, 0.01, dtype=torch.float64)


def log_bell(x, place, width):
    return -(((x - place) / width) ** 2) / 2 - torch.log(width) - math.log(2 * math.pi) / 2


ZERO, ONE = torch.zeros((), dtype=torch.float64), torch.ones((), dtype=torch.float64)


def divergences(place, width):
    """KL(q||p), 2 JS(p, q) and 2 KL(m||p) for p = N(0, 1), q = N(place, width^2), as sums over the axis."""
    log_p, log_q = log_bell(axis, ZERO, ONE), log_bell(axis, place, width)
    log_m = torch.logaddexp(log_p, log_q) - math.log(2)
    mean = [lambda values, log_weight=log_weight: (log_weight.exp() * values).sum() * 0.01
            for log_weight in (log_p, log_q, log_m)]
    return mean[1](log_q - log_p), mean[0](log_p - log_m) + mean[1](log_q - log_m), 2 * mean[2](log_m - log_p)


def slope_before_the_best_judge(loss, place, width):
    """The slopes of the generator's loss in place and width; the judge is the best one, and does not move."""
    x = place + width * Z
    score = log_bell(x, ZERO, ONE) - log_bell(x, place.detach(), width.detach())
    each = logsigmoid(-score) if loss == "minimax" else -logsigmoid(score)
    return torch.stack(torch.autograd.grad(WEIGHT @ each, (place, width)))


for _ in range(20):
    place = (3 * torch.rand((), generator=rng)).double().requires_grad_()
    width = (0.5 + torch.rand((), generator=rng)).double().requires_grad_()
    kl, two_js, two_kl_mixture = divergences(place, width)
    assert math.isclose((kl - two_js).item(), two_kl_mixture.item(), abs_tol=1e-9), "KL(q||p) - 2 JS = 2 KL(m||p)"
    slope_kl, slope_js = (torch.stack(torch.autograd.grad(value, (place, width), retain_graph=True)) for value in (kl, two_js))
    assert torch.allclose(slope_before_the_best_judge("minimax", place, width), slope_js, atol=1e-7)
    assert torch.allclose(slope_before_the_best_judge("modified", place, width), slope_kl - slope_js, atol=1e-7)
print("20 bells: both slopes agree, for place and width")

# %% [markdown]
# What does a player like who goes down $2\,\mathrm{KL}(m\,\|\,p)$? Take a world of three places: two heaps that hold half of the real points each, and a wilderness with hardly any. A generator can sin in two ways: *leave out* points of one heap, or make *stray* points in the wilderness. How dear is each sin, under each loss, before the best judge?

# %% teaches=["D36"]
RARE = 0.001  # the real share of the wilderness: not 0, or else the modified price of a stray point would be infinite


def prices(left_out, stray):
    """What both sins together cost under minimax, 2 JS, and under modified, 2 KL(m||p)."""
    p = np.array([(1 - RARE) / 2, (1 - RARE) / 2, RARE])
    q = np.array([(1 - left_out) / 2 * (1 - stray), (1 + left_out) / 2 * (1 - stray), stray])
    m = (p + q) / 2
    return 2 * distances.jensen_shannon(p, q), 2 * distances.kullback_leibler(m, p)


def as_dear_as_a_heap(loss):
    """The share of stray points that costs as much as a whole heap left out."""
    strays = np.linspace(0, 0.95, 951)
    costs = np.array([prices(0, stray)[loss] for stray in strays])
    return np.interp(prices(1, 0)[loss], costs, strays)


for i in range(2):  # before the best judge both are distances: 0 without sin, dearer with more of either
    assert abs(prices(0, RARE)[i]) < 1e-12 and prices(1, 0)[i] > prices(0.5, 0)[i] > 0
rates = [as_dear_as_a_heap(i) for i in range(2)]
print(f"a heap left out costs as much as a share of stray points of {100 * rates[0]:.0f} % under minimax, "
      f"{100 * rates[1]:.0f} % under modified")
assert abs(rates[0] - 0.5) < 0.02, "minimax is even-handed: a lost heap is half of the points"
assert rates[1] < 0.15

fig, (left, right) = plt.subplots(1, 2, figsize=(9.6, 3.7), layout="constrained", width_ratios=(1, 1.25))
real_bars = left.bar([0, 1, 2], [(1 - RARE) / 2, (1 - RARE) / 2, RARE], width=0.7, color=PALETTE["real"], alpha=0.4)
fake_bars = left.bar([0, 1, 2], [0, 0, 0], width=0.4, fill=False, edgecolor=PALETTE["generated"], lw=2.5)
left.set_xticks([0, 1, 2], ["heap A", "heap B", "wilderness"])
finish(left, title="real (filled), generated (outline)", limits=((-0.5, 2.5), (0, 1.05)), ylabel="share of the points")
grid = np.linspace(0, 0.5, 51)
marks = {}
for i, (name, (color, look)) in enumerate(LOOKS.items()):
    whole = prices(1, 0)[i]
    right.plot(grid, [prices(0, stray)[i] / whole for stray in grid], look, color=PALETTE[color], lw=2, label=name)
    marks[name], = right.plot([], [], "^", color=PALETTE["generated"], ms=10)
right.axhline(1, color=PALETTE["muted"], lw=0.8, ls=":")
right.text(0.497, 1.06, "one heap left out", ha="right", color=PALETTE["ink"])
right.legend(frameon=False, loc="upper left")
finish(right, title="the price of stray points", limits=((0, 0.5), (0, 4)), xlabel="share of stray points",
       ylabel="price, in heaps left out")


def draw(left_out, stray):
    shares = ((1 - left_out) / 2 * (1 - stray), (1 + left_out) / 2 * (1 - stray), stray)
    for bar, height in zip(fake_bars, shares):
        bar.set_height(height)
    relative = [price / whole for price, whole in zip(prices(left_out, stray), prices(1, 0))]
    for mark, price in zip(marks.values(), relative):
        mark.set_data([stray], [price])
    return (f"{100 * left_out:.0f} % of heap A left out, {100 * stray:.0f} % stray: together {relative[0]:.2f} heaps under minimax, "
            f"{relative[1]:.2f} under modified.")


sliders(draw, fig, labels={"left_out": "left out of heap A", "stray": "stray points"}, left_out=(0.0, 1.0, 0.05, 0.0),
        stray=(0.0, 0.5, 0.01, 0.2))

# %% [markdown]
# **Figure 9.7.** Left: a small world. Right: what stray points cost under each loss, in the unit "one heap left out" (dotted; each loss has a unit of its own, so only the shape of this exchange counts). A lost heap is half of the points, so an even-handed loss meets the dotted line at one half. As stored, a fifth of the points is stray and no heap is left out: under minimax that is cheaper than a lost heap, as it is less, under the modified loss dearer than two. The markers count what is left out of heap A as well.
#
# So the modified loss has a *taste*: it would rather lose a heap than draw nonsense. Minimax is even-handed: JS is symmetric, and half of the points gone astray cost what half of the points moved to the other heap cost. How strong the taste is depends on the wilderness: the rarer its real points, the dearer a stray one. Read this carefully. It is a statement about the best judge, asked anew after every step, and about two distances whose lowest point is the same, $p = q$. It does not say that a generator *must* lose heaps, nor that minimax never does.

# %% [markdown]
# ---
# # Part D: what it cures
#
# ## Check: off the ground
#
# Lesson 8's situation, built in: the generator's cloud begins four units to the right of the moons, and the discriminator learns 300 steps alone before the generator may move. From there it goes on four times, from the same weights and with the same random numbers: with either loss, and with the generator's steps made in two ways. *Plain* steps follow the gradient itself, 0.1 times its length. *Adam*, our usual optimiser, divides each slope by its own recent size, so that even a tiny gradient moves the weights.
#
# Choose *plain*, and move *step* slowly. Then *Adam*. Which of the four clouds never leaves? Which overshoot the moons?

# %% tags=["nbval-ignore-output"] teaches=["D36"]
def go_on(generator, discriminator, optimizer_d, own_rng, loss, how, n_steps=200, every=5):
    """A film of the game from here on: points and ground every few steps. The given networks stay as they are."""
    generator, discriminator, state = copy.deepcopy((generator, discriminator, optimizer_d.state_dict()))
    optimizer_d = torch.optim.Adam(discriminator.parameters(), lr=2e-3, betas=BETAS)
    optimizer_d.load_state_dict(state)
    if how == "plain":
        optimizer_g = torch.optim.SGD(generator.parameters(), lr=0.1)
    else:
        optimizer_g = torch.optim.Adam(generator.parameters(), lr=2e-3, betas=BETAS)
    film = []
    for step in range(n_steps + 1):
        if step % every == 0:
            with torch.no_grad():
                film.append((generator(shown_noise), torch.sigmoid(discriminator(far_places)).reshape(60, 60)))
        discriminator_step(generator, discriminator, optimizer_d, moons.sample(128, own_rng), noise(128, own_rng), minimax)
        generator_step(generator, discriminator, optimizer_g, noise(128, own_rng), loss)
    return film


far_window = ((-7.0, 7.0), (-6.0, 6.0))
far_places = torch.cartesian_prod(torch.linspace(-6, 6, 60), torch.linspace(-7, 7, 60)).flip(1)
start_rng = torch.Generator().manual_seed(SEEDS[0])
shown_noise = noise(300, start_rng)
far_pair = mlp((2, 64, 64, 2), start_rng), judge((2, 64, 64, 1), start_rng)
with torch.no_grad():
    far_pair[0][-1].bias += torch.tensor([4.0, 0.0])  # the whole cloud, four units to the right
optimizer_d = torch.optim.Adam(far_pair[1].parameters(), lr=2e-3, betas=BETAS)
for _ in range(300):
    discriminator_step(*far_pair, optimizer_d, moons.sample(128, start_rng), noise(128, start_rng), minimax)
far_state, films = start_rng.get_state(), {}
at_the_start = [gradient(*far_pair, shown_noise, loss) for loss in LOSSES.values()]
for how in ("plain", "Adam"):
    for name, loss in LOSSES.items():
        start_rng.set_state(far_state)  # all four see the same random numbers
        films[name, how] = go_on(*far_pair, optimizer_d, start_rng, loss, how)

fig, axes = plt.subplots(1, 2, figsize=(9.8, 4.6), layout="constrained", sharey=True)
shows, clouds = [], []
for ax, name in zip(axes, LOSSES):
    shows.append(judge_field(ax, films[name, "plain"][0][1], far_window))
    scatter_samples(ax, real_shown, kind="real", size=3, alpha=0.8, edge=0.3)
    scatter_samples(ax, shown_noise, kind="generated", size=6, alpha=1.0, edge=0.3)
    clouds.append(ax.lines[-1])
    finish(ax, title=name, limits=far_window, equal=True, xlabel="x")
axes[0].set_ylabel("y")


def draw(step, steps_are):
    said = []
    for name, show, cloud in zip(LOSSES, shows, clouds):
        x_fake, ground = films[name, steps_are][step // 5]
        show(ground)
        cloud.set_data(*x_fake.T)
        said.append(f"{name}: the cloud's middle is at x = {x_fake[:, 0].mean():.1f}")
    return f"Step {step}, {steps_are} steps. " + "; ".join(said) + "."


sliders(draw, fig, labels={"steps_are": "steps of the generator"}, steps_are=["plain", "Adam"], step=(0, 200, 5, 10))
shorter = (at_the_start[1].norm() / at_the_start[0].norm()).item()
print(f"at the start the minimax gradient is {shorter:.2g} times shorter than the modified one; they are "
      f"{angle(*at_the_start):.1f} degrees apart")
first_steps = [slope / (slope.abs() + 1e-8) for slope in at_the_start]  # of Adam, in units of the learning rate
share = (at_the_start[0].abs() < 1e-8).float().mean().item()
step_ratio = (first_steps[0].norm() / first_steps[1].norm()).item()
print(f"Adam's first step: with minimax {step_ratio:.2f} times as long as with modified; {100 * share:.0f} % of the minimax "
      "slopes are smaller than its safety term")
assert shorter > 1e4 and angle(*at_the_start) < 60 and 0.05 < step_ratio < 1
travelled = {key: max((x_fake.mean(dim=0) - film[0][0].mean(dim=0)).norm().item() for x_fake, _ in film)
             for key, film in films.items()}
print("farthest from its beginning: " + "; ".join(f"{name}, {how}: {way:.2f}" for (name, how), way in travelled.items()))
assert travelled["minimax", "plain"] < 1 < 2 < min(way for key, way in travelled.items() if key != ("minimax", "plain"))

# %% [markdown]
# **Figure 9.8.** One start, either loss. As stored: after 10 plain steps the minimax cloud lies where it began, and the modified one has left. How far each of the four has been from its beginning is printed: with this much head start only the minimax cloud with plain steps stays, and a cloud that gets off may fly past the moons before it comes back.
#
# One start is an anecdote. Here are twenty, recorded (the line below the figure says how), with Wasserstein-1 to fresh real points.

# %% teaches=["D36"]
flight = load_recording("modified_off_the_ground")
steps = np.arange(flight["minimax_sgd"].shape[1]) * flight.settings["every"]
floor = distances.wasserstein_floor(moons, 500, torch.Generator().manual_seed(0), repeats=3)
fig, axes = plt.subplots(1, 2, figsize=(9.8, 3.8), layout="constrained", sharey=True)
for ax, how, title in zip(axes, ("sgd", "adam"), ("plain steps", "Adam")):
    for name, (color, look) in LOOKS.items():
        w1 = flight[f"{name}_{how}"]
        ax.semilogy(steps, w1.T, color=PALETTE[color], lw=0.6, alpha=0.4)
        ax.semilogy(steps, np.median(w1, axis=0), look, color=PALETTE[color], lw=2.5, label=f"{name}, median")
    ax.axhline(floor, color=PALETTE["ink"], lw=1, ls=":")
    ax.text(395, floor * 1.06, "floor: real against real", ha="right", color=PALETTE["ink"])
    finish(ax, title=title, limits=((0, 400), (0.07, 40)), xlabel="steps after the head start")
axes[0].set_ylabel("Wasserstein-1 (log axis)")
axes[1].legend(frameon=False, loc="upper right")
plt.show()
print(flight)


def count(happened):
    return f"{int(np.sum(happened))} of {len(happened)} seeds"


left_ground = {key: flight[key].min(axis=1) < 0.75 * flight[key][:, 0] for key in flight.arrays}
for key, gone in left_ground.items():
    print(f"{key.replace('_', ', '):16} off the ground (some look below 3/4 of the start): {count(gone)}; "
          f"median at step 50 {np.median(flight[key][:, 1]):.2f}, at the end {np.median(flight[key][:, -1]):.2f}")
thrown_back = flight["modified_sgd"][:, 1:].max(axis=1) > 1.1 * flight["modified_sgd"][:, 0]
print(f"modified, sgd: at some look farther away than at the start, by a tenth or more: {count(thrown_back)}")
assert 2 <= thrown_back.sum() <= 10
assert left_ground["minimax_sgd"].sum() == 0 and left_ground["modified_sgd"].all()
assert left_ground["minimax_adam"].all() and left_ground["modified_adam"].all()
assert np.median(flight["minimax_adam"][:, 1]) > 1.3 * np.median(flight["minimax_adam"][:, 0]), "flung past the moons"
assert np.median(flight["modified_adam"][:, 1]) < 0.5 * np.median(flight["modified_adam"][:, 0])
last_looks = {key: flight[key][:, -3:].mean(axis=1) for key in flight.arrays}
nearer_at_the_end = last_looks["minimax_adam"] < last_looks["modified_adam"]
print(f"with Adam, minimax is the nearer one, by the mean of the last three looks: {count(nearer_at_the_end)}")
assert 5 <= nearer_at_the_end.sum() <= 15

# %% [markdown]
# **Figure 9.9.** Twenty starts; thin lines are single seeds, thick ones medians. With plain steps no minimax cloud gets off the ground, and every modified one does. With Adam both do: modified at once, minimax after a detour.
#
# So the cure is real, and it has a name: **saturation**. Where the minimax gradient has vanished, the modified one has not. Two more things stand in the picture, which single runs do not tell:
#
# - **Adam hides the illness.** It rescales even a gradient millions of times too short, until slopes come down to its safety term, $10^{-8}$ (here many have, so the minimax cloud starts with a shorter step; printed with Figure 9.8). But then minimax first makes things *worse* (step 50): its cloud runs into places where the judge has not looked yet and believes everything, and there minimax is the loud one. It flies past the moons. At the end (over the last three looks) neither loss is ahead.
# - **A large gradient is not a good step.** The modified clouds with plain steps get off and then jump about; some seeds are thrown back farther than they began.
#
# ---
# # Part E: what it does not cure
#
# ## When it breaks
#
# ### 1. It grows, and it gets noisier
#
# A narrow ring, a fixed random generator in its middle, and a discriminator that learns on and on (as in lesson 8, *With a trained judge*). For each of the seeds *two* judges, which differ in nothing but chance. After 30, 100 and 300 steps of theirs: how long is the gradient? How much does it differ from batch to batch? And do the two judges agree where to go? (To be quick, all forty judges learn at once: `torch.func` stacks their weights, and `vmap` asks each about its own points.)

# %% tags=["nbval-ignore-output"] teaches=["D36"]
narrow_ring, LOOK_AT, TWINS = distributions.ring(sd=0.02), (30, 100, 300), 2
generators, judges = [], []
for seed in SEEDS:
    own_rng = torch.Generator().manual_seed(seed)
    generators += [mlp((2, 64, 64, 2), own_rng)] * TWINS  # twins judge one and the same generator
    judges += [judge((2, 64, 64, 1), own_rng) for _ in range(TWINS)]
template, weights = judges[0], stack_module_state(judges)[0]
all_scores = vmap(lambda own, x: functional_call(template, own, (x,)))
optimizer_d = torch.optim.Adam(weights.values(), lr=1e-3)  # works number by number: as good as forty Adams
size, spread, disagree = (np.zeros((2, len(SEEDS), len(LOOK_AT))) for _ in range(3))
said = np.zeros((len(SEEDS), len(LOOK_AT)))
for step in range(1, LOOK_AT[-1] + 1):
    x_real = narrow_ring.sample(128 * len(judges), rng).reshape(len(judges), 128, 2)
    with torch.no_grad():
        x_fake = torch.stack([generator(noise(128, rng)) for generator in generators])
    loss_of_all = len(judges) * minimax.judge(all_scores(weights, x_real).flatten(), all_scores(weights, x_fake).flatten())
    optimizer_d.zero_grad()
    loss_of_all.backward()  # a sum over judges: each gets the slopes of its own loss
    optimizer_d.step()
    if step not in LOOK_AT:
        continue
    for i in range(len(SEEDS)):
        many, directions = noise(1000, rng), {}
        for twin in reversed(range(TWINS)):
            template.load_state_dict({name: stack[TWINS * i + twin].detach() for name, stack in weights.items()})
            for j, loss in enumerate(LOSSES.values()):
                directions[j, twin] = gradient(generators[TWINS * i], template, many, loss)
        for j, loss in enumerate(LOSSES.values()):
            where = j, i, LOOK_AT.index(step)
            batches = torch.stack([gradient(generators[TWINS * i], template, noise(128, rng), loss) for _ in range(20)])
            off = (batches - batches.mean(dim=0)).norm(dim=1)
            size[where], spread[where] = directions[j, 0].norm(), off.square().mean().sqrt()
            disagree[where] = angle(directions[j, 0], directions[j, 1])
        with torch.no_grad():
            said[i, LOOK_AT.index(step)] = torch.sigmoid(template(generators[TWINS * i](many))).mean()

fig, axes = plt.subplots(1, 3, figsize=(10.4, 3.6), layout="constrained")
for ax, values, title in zip(axes, (size, spread, disagree),
                             ("length of the gradient", "its spread over batches", "angle between two judges")):
    for j, (name, (color, look)) in enumerate(LOOKS.items()):
        ax.plot(LOOK_AT, values[j].T, color=PALETTE[color], lw=0.6, alpha=0.4)
        ax.plot(LOOK_AT, np.median(values[j], axis=0), look, color=PALETTE[color], lw=2.5, label=name)
    ax.set_xscale("log")
    finish(ax, title=title, xlabel="steps of D alone")
    ax.set_xticks(LOOK_AT, [str(step) for step in LOOK_AT])
    ax.minorticks_off()
for ax in axes[:2]:
    ax.set_yscale("log")
    ax.set_ylim(3e-5, 30)
    ax.set_ylabel("log axis")
axes[2].set_ylabel("degrees")
axes[2].set_ylim(0, 180)
axes[2].set_yticks(range(0, 181, 45))
axes[2].axhline(90, color=PALETTE["ink"], lw=1, ls=":")
axes[2].text(300, 165, "dotted: unrelated", ha="right", color=PALETTE["ink"])
axes[0].legend(frameon=False, loc="lower left")
plt.show()
for j, name in enumerate(LOSSES):
    print(f"{name:9} " + "; ".join(
        f"step {step}: length {np.median(size[j, :, k]):.2g}, spread {np.median(spread[j, :, k]):.2g}, their ratio "
        f"{np.median(spread[j, :, k] / size[j, :, k]):.2f}, judges {np.median(disagree[j, :, k]):.0f} degrees apart"
        for k, step in enumerate(LOOK_AT)))
grown = size[:, :, -1] / size[:, :, 0], spread[:, :, -1] / spread[:, :, 0]
print(f"from step 30 to 300: modified length times {np.median(grown[0][1]):.1f}, spread times {np.median(grown[1][1]):.1f}; "
      f"minimax length times {np.median(grown[0][0]):.3f}")
print("D(G(z)), median over the judges: " + ", ".join(f"{median:.3f}" for median in np.median(said, axis=0)))
assert (grown[0][1] > 1.5).sum() >= 17 and (grown[1][1] > 1.5).sum() >= 17, "modified grows, and its spread with it"
assert (grown[0][0] < 0.3).sum() >= 17, "minimax vanishes"
ratio = np.median(spread / size, axis=1)
assert np.abs(np.log(ratio[1, -1] / ratio[0, -1])) < math.log(1.5), "relative to its length, minimax is as noisy"
assert np.abs(np.log(ratio / ratio[1, 0])).max() < math.log(2), "and neither gets clearer or less clear"
assert np.median(said[:, -1]) < 0.05 < 0.2 < np.median(said[:, 0]), "sure at the end, not at first"
assert np.median(disagree[:, :, -1]) > 20, "two judges, two directions"
assert np.median(size[1, :, -1] / size[0, :, -1]) > 100, "hundreds of times"

# %% [markdown]
# **Figure 9.10.** Thin: single seeds; thick: medians. Left: while $D$ learns on, the minimax gradient vanishes and the modified one grows. Middle: its spread from batch to batch grows with it. Right: two judges send the generator in directions that are tens of degrees apart, with either loss, and as much when they are not sure yet (step 30) as when they are. (The thick lines of both losses lie on each other.)
#
# **Louder, not clearer.** The modified gradient gets longer though the generator has not moved, because the score of a judge who is let go on gets steeper and steeper. The noise grows at the same pace: *relative* to the gradient it is what it was, and the same for minimax. But a gradient hundreds of times shorter trembles hundreds of times less, so with minimax and plain steps you never saw it. And *where to* is left to chance here: the cloud sits in the middle of a ring, no direction is the right one, and each judge has its own. With the modified loss that accident becomes a large step. (Adam, which rescales both, evens out much of the difference.)
#
# (Arjovsky and Bottou 2017, theorem 2.6, prove more: if $D$ itself is wrong by an idealised noise, the modified push follows a law with tails so heavy that it has neither variance nor mean. That is noise in $D$. Ours is the noise of the batch before one $D$, and says nothing about the theorem.)
#
# ### 2. It still goes in circles
#
# Lesson 6's Dirac-GAN: one real point at 0, one generated at $g$, $D(x) = \sigma(d\,x)$. There we saw that with *simultaneous* steps minimax spirals out and the modified loss ends on a circle of radius about $\sqrt{2h}$. From how many starts?

# %% tags=["nbval-ignore-output"] teaches=["D36"]
radius = 0.3 + 1.2 * torch.rand(20, generator=rng).double().numpy()
turn = 2 * math.pi * torch.rand(20, generator=rng).double().numpy()
starts = radius * np.cos(turn), radius * np.sin(turn)


def dirac_radii(loss, h, n_steps=2000):
    """The distance from (0, 0) of all twenty runs, step by step: (n_steps + 1, 20). Simultaneous steps."""
    g, d = starts
    found = [np.hypot(g, d)]
    for _ in range(n_steps):
        s = 1 / (1 + np.exp(-np.clip(g * d, -500, 500)))  # what D says about g
        g, d = g + h * d * (s if loss == "minimax" else 1 - s), d - h * g * s
        found.append(np.hypot(g, d))
    return np.array(found)


fig, (left, right) = plt.subplots(1, 2, figsize=(9.6, 3.8), layout="constrained", width_ratios=(1.3, 1))
paths = {name: [left.plot([], [], color=PALETTE[color], lw=0.9, alpha=0.7)[0] for _ in range(20)]
         for name, (color, _) in LOOKS.items()}
law = left.axhline(0.6, color=PALETTE["ink"], lw=1, ls=":")
law_name = left.text(1980, 0.6, r"$\sqrt{2h}$", ha="right", va="bottom", color=PALETTE["ink"])
left.text(860, 2.75, "minimax", color=PALETTE["ink"])
left.text(1450, 0.2, "modified", color=TEXT["extra"])
finish(left, title="twenty starts", limits=((0, 2000), (0, 3)), xlabel="step", ylabel="distance from (0, 0)")
said = np.linspace(0.01, 0.99, 197)
for values, (name, (color, look)) in zip((0 * said, -np.log(4 * said * (1 - said))), LOOKS.items()):
    right.plot(said, values, look, color=PALETTE[color], lw=2, label=name)
right.legend(frameon=False, loc="upper center")
finish(right, title="what both lose together", limits=((0, 1), (-0.3, 3.4)), xlabel="D(g), what D says about the point",
       ylabel="sum of the losses, less that at rest")
runs = {}


def draw(step_size):
    for name, lines in paths.items():
        if (name, step_size) not in runs:
            runs[name, step_size] = dirac_radii(name, step_size)
        for line, run in zip(lines, runs[name, step_size].T):
            line.set_data(np.arange(0, 2001, 10), run[::10])
    r = math.sqrt(2 * step_size)
    law.set_ydata([r, r])
    law_name.set_y(r)
    ends = runs["modified", step_size][-200:].mean(axis=0)
    return (f"Step size {step_size}: after 2,000 steps the modified runs are between {ends.min():.3f} and {ends.max():.3f} from "
            f"(0, 0); sqrt(2h) = {r:.3f}. Of the minimax runs {(runs['minimax', step_size][-1] > radius).sum()} of 20 are "
            "farther out than they began.")


sliders(draw, fig, labels={"step_size": "step size h"}, step_size=(0.1, 0.5, 0.05, 0.2))
for h in (0.1, 0.2, 0.4):
    outwards, circling = dirac_radii("minimax", h), dirac_radii("modified", h)
    assert (np.diff(outwards, axis=0) > 0).all(), "minimax: farther with every step, from every start"
    assert np.allclose(circling[-200:].mean(axis=0), math.sqrt(2 * h), rtol=0.07), "modified: the same circle for all"

# %% [markdown]
# **Figure 9.11.** Left: twenty starts of the Dirac-GAN, either loss; the dotted line is $\sqrt{2h}$. Minimax leaves from all of them, the modified loss comes to the circle from inside and outside, and stays on it. Right: the sum of both players' losses (less its value at rest) against what $D$ says about the point.
#
# A circle is better than a spiral outwards, and it is not an arrival. With steps *in turn*, as networks make them, both fare better: minimax stays at its distance, and the modified loss creeps inwards, ever more slowly. The cell below measures it.
#
# The right panel shows the price of the new question. With minimax the two losses cancel, always: what one wins the other loses. With the modified loss they do not: **the game is no longer zero-sum**. About one point both still want opposite things, only the amounts differ. About several points both can lose at once: take two generated points with the scores $-3$ and $3$ in place of twice 0. There is no common value $V$ any more over which one player is *min* and the other *max*; the point of rest is the same, the word "minimax" in the name is only a memory.

# %% teaches=["D36"]
two_scores, at_rest = torch.tensor([-3.0, 3.0]), torch.zeros(2)
for who, loss_of in (("generator", modified_minimax.generator), ("judge, on generated points", lambda x: -logsigmoid(-x).mean())):
    print(f"{who:27} loses {loss_of(two_scores):.3f}; at rest {loss_of(at_rest):.3f}")
    assert loss_of(two_scores) > loss_of(at_rest)


def in_turn(modified, h, n_steps):
    """The distance from (0, 0) of all twenty runs after some steps, D first; arrays (20,)."""
    g, d = starts
    for _ in range(n_steps):
        d = d - h * g / (1 + np.exp(-g * d))
        s = 1 / (1 + np.exp(-g * d))
        g = g + h * d * (1 - s if modified else s)
    return np.hypot(g, d)


for n_steps in (200, 2000, 20000):
    print(f"in turn, h = 0.2, {n_steps:6,} steps: minimax {np.median(in_turn(False, 0.2, n_steps)):.3f}, "
          f"modified {np.median(in_turn(True, 0.2, n_steps)):.3f} (medians of 20 starts)")
slower = [np.median(in_turn(True, 0.2, n_steps)) for n_steps in (200, 2000, 20000)]
assert slower[0] > 2 * slower[1] > 4 * slower[2], "inwards, by about a factor of three for ten times the steps"
assert (np.abs(in_turn(False, 0.2, 2000) / radius - 1) < 0.15).all(), "minimax stays about where it is"

# %% [markdown]
#
# On networks there is one more term, $-\operatorname{mean}\log D(x)$, in which $G$ has no say. With minimax it is all that is left of the sum. With the modified loss $G$ can move the sum: here is its slope in all of $G$'s weights, for the pair of Figure 9.1.

# %% tags=["nbval-ignore-output"] teaches=["D36"]
z, x_real = noise(500, rng), moons.sample(500, rng)
slope_of_sum = {}
for name, loss in LOSSES.items():
    scores_real, scores_fake = stages[-1](x_real), stages[-1](frozen_generator(z))
    sum_of_losses = loss.judge(scores_real, scores_fake) + loss.generator(scores_fake)
    slopes = torch.autograd.grad(sum_of_losses, list(frozen_generator.parameters()))
    slope_of_sum[name] = torch.cat([slope.flatten() for slope in slopes]).norm().item()
print("length of the slope of the sum in G's weights: " + ", ".join(f"{name} {size:.2g}" for name, size in slope_of_sum.items()))
assert slope_of_sum["minimax"] < 1e-4 < 1e-2 < slope_of_sum["modified"]

# %% [markdown]
# ### 3. It still collapses
#
# #### Predict: which loss collapses more often?
#
# A judge that is too slow, as in lesson 8, but in another setting: the ring of eight with noise of 16 numbers (there 2), and a discriminator that learns at a third of the generator's rate (there a tenth). With which loss are more of the twenty runs stuck on one or two heaps after 2,000 steps?
#
# **(a)** minimax &nbsp; **(b)** modified &nbsp; **(c)** neither, the modified loss has cured it

# %% teaches=["D36"]
collapse = load_recording("modified_collapse")
every, last_look = collapse.settings["every"], collapse["minimax_shares"].shape[1] - 1
fig, axes = plt.subplots(1, 3, figsize=(10.6, 4.2), layout="constrained", width_ratios=(1, 1, 1.5))
grey = {}
for ax, name in zip(axes, LOOKS):
    grey[name] = ax.imshow(collapse[f"{name}_shares"][:, -1], cmap="Greys", vmin=0, vmax=1, aspect="auto",
                           interpolation="nearest")
    ax.set_xticks(range(8), range(1, 9))
    ax.set_yticks([0, 9, 19], [1, 10, 20])
    finish(ax, title=name, xlabel="heap")
axes[0].set_ylabel("seed")
fig.colorbar(grey["modified"], ax=axes[:2], shrink=0.5, ticks=[0, 0.5, 1], label="share of points")
heaps_held = {name: (collapse[f"{name}_shares"] >= 1 / 32).sum(axis=2) for name in LOOKS}  # a quarter of a fair share
for name, (color, look) in LOOKS.items():
    axes[2].plot(np.arange(last_look + 1) * every, (heaps_held[name] <= 2).sum(axis=0), look, color=PALETTE[color],
                 lw=2, label=name)
axes[2].set_yticks(range(0, 21, 5))
cursor = axes[2].axvline(0, color=PALETTE["ink"], lw=1, ls=":")
axes[2].legend(frameon=False, loc=(0.55, 0.55))
finish(axes[2], title="seeds on one or two heaps", limits=((0, last_look * every), (0, 21)), xlabel="step",
       ylabel="of twenty")


def draw(step):
    k = step // every
    for name, image in grey.items():
        image.set_data(collapse[f"{name}_shares"][:, k])
    cursor.set_xdata([step, step])
    return f"Step {step}. " + "; ".join(
        f"{name}: {(heaps_held[name][:, k] <= 2).sum()} of 20 seeds on one or two heaps, "
        f"{(heaps_held[name][:, k] == 8).sum()} on all eight" for name in LOOKS) + "."


sliders(draw, fig, step=(0, last_look * every, every, 500))

# %% [markdown]
# **Figure 9.12.** Each row is a seed, each column a heap; the darker, the more of the points lie nearest to that heap (black: all of them). Right: how many of the seeds hold only one or two heaps, as training goes on. Move *step* from left to right and watch single rows: a dark square hops.

# %% teaches=["D36"]
print(collapse)
for name in LOOKS:
    favourite, few = collapse[f"{name}_shares"].argmax(axis=2), heaps_held[name] <= 2
    both_looks = few[:, 1:] & few[:, :-1]  # elsewhere the largest of nearly equal shares changes by chance
    hops = (np.diff(favourite, axis=1) != 0)[both_looks].mean()
    print(f"{name:9} one or two heaps: {count(heaps_held[name][:, 10] <= 2)} at step 500, "
          f"{count(heaps_held[name][:, -1] <= 2)} at the end; all eight at the end: {count(heaps_held[name][:, -1] == 8)}; "
          f"while on one or two, the favourite heap changes from look to look in {100 * hops:.0f} % of the cases")
    assert (heaps_held[name][:, 10] <= 2).sum() >= 17 and hops > 0.5, "with either loss: one or two heaps, and hopping"
assert (heaps_held["modified"][:, -1] <= 2).sum() >= 16 and (heaps_held["modified"][:, -1] == 8).sum() == 0
assert 5 <= (heaps_held["minimax"][:, -1] == 8).sum() <= 15

# %% [markdown]
# **(b)**. Both collapse, by the same mechanism (lesson 8: the generator answers the judge of the moment, who looks at one point at a time), and both hop. About half of the minimax runs have found all eight heaps at the end, and no modified one. A better question does not help where the judge is too slow; in this setting it makes things worse. That fits the *taste* of Part C. It does not prove it, for here the judge is nowhere near its best. Other settings, other counts.
#
# ### Which is nearer, then?
#
# Without separation and with a judge that keeps pace, as in lesson 7: does the modified loss learn faster or better? Twenty seeds for each, on two targets, again with Wasserstein-1 to fresh points.

# %% teaches=["D36"]
usual = load_recording("modified_usual_start")
steps = np.arange(usual["moons_minimax_w1"].shape[1]) * usual.settings["every"]
fig, axes = plt.subplots(1, 2, figsize=(9.8, 3.8), layout="constrained", sharey=True)
nearer, floors = {}, {}
for ax, (key, target) in zip(axes, (("moons", moons), ("ring", distributions.ring()))):
    floors[key] = distances.wasserstein_floor(target, 500, torch.Generator().manual_seed(0), repeats=3)
    for name, (color, look) in LOOKS.items():
        w1 = usual[f"{key}_{name}_w1"]
        ax.semilogy(steps, w1.T, color=PALETTE[color], lw=0.5, alpha=0.35)
        ax.semilogy(steps, np.median(w1, axis=0), look, color=PALETTE[color], lw=2.5, label=f"{name}, median")
    ax.axhline(floors[key], color=PALETTE["ink"], lw=1, ls=":")
    ax.text(1980, floors[key] * 0.93, "floor: real against real", ha="right", va="top", color=PALETTE["ink"])
    nearer[key] = usual[f"{key}_modified_w1"] < usual[f"{key}_minimax_w1"]
    finish(ax, title=f"{target.name}, usual start", limits=((0, 2000), (0.09, 8)), xlabel="step")
axes[0].set_ylabel("Wasserstein-1 (log axis)")
axes[0].legend(frameon=False, loc="upper right")
plt.show()
print(usual)
for key, wins in nearer.items():
    print(f"{key}: modified is the nearer one in {count(wins[:, 6])} at step 600, in {count(wins[:, -1])} at the end; medians "
          f"at the end: minimax {np.median(usual[f'{key}_minimax_w1'][:, -1]):.3f}, "
          f"modified {np.median(usual[f'{key}_modified_w1'][:, -1]):.3f}, floor {floors[key]:.3f}")
    assert 5 <= wins[:, -1].sum() <= 15, "at the end: no winner"
    assert wins[:, 6].sum() <= 8, "on the way: minimax is nearer in most seeds"
largest = {name: usual[f"ring_{name}_shares"][:, -1].max(axis=1) for name in LOOKS}
fair = np.random.default_rng(0).multinomial(1000, [1 / 8] * 8, size=1000).max(axis=1) / 1000  # of a perfect sampler
for name in LOOKS:
    print(f"ring, {name:9} within 3 sd of a heap {100 * np.median(usual[f'ring_{name}_close'][:, -1]):.0f} % (median); largest "
          f"share of a heap: median {np.median(largest[name]):.3f}, worst {largest[name].max():.3f}")
print(f"a perfect sampler: 99 % within 3 sd, largest share: median {np.median(fair):.3f}, worst of twenty {np.quantile(fair, 0.95):.3f}")
print(f"modified is the more uneven one in {count(largest['modified'] > largest['minimax'])}")
assert largest["modified"].max() > 0.2 > largest["minimax"].max(), "in its worst seeds"
assert 5 <= (largest["modified"] > largest["minimax"]).sum() <= 15, "but not in most"

# %% [markdown]
# **Figure 9.13.** Twenty seeds from the usual start, either loss. Both come near the floor on the moons and stay above it on the ring. The medians end close together.
#
# No winner. Where nothing saturates, there is nothing to cure. On the way (around step 600) minimax is the nearer one in most of the seeds; at the end it is a toss. On the ring the modified loss shares the points out much less evenly in its worst seeds, and about as evenly in the others. Why, then, does nearly everybody use it? Because in many dimensions real and generated points hardly overlap, a good judge *is* far ahead, and a generator that hears nothing is worse than one that hears too much. That is a reason, not a theorem.
#
# | | minimax | modified | measured on |
# |---|---|---|---|
# | far from the data, judge ahead, plain steps | stays where it is | gets off the ground | 20 starts |
# | the same, with Adam | gets off after a detour | gets off at once | 20 starts |
# | gradient while $D$ learns alone | vanishes | grows, and its noise too | 20 generators, a judge each |
# | Dirac-GAN, simultaneous steps | spirals out | circle of radius about $\sqrt{2h}$ | 20 starts, 3 step sizes |
# | ring with a slow judge | collapses; about half have all heaps by step 2,000 | collapses; none has recovered by step 2,000 | 20 seeds |
# | moons and ring, usual start | level at the end, nearer on the way | level at the end; on the ring less even in the worst seeds | 20 seeds each |
#
# ---
# # Part F: the theatre
#
# ## Try it: switch the loss while it plays
#
# The two networks of this cell, and the `ModifiedMinimax` of this notebook in the menu *loss*.
#
# 1. Set the generator's learning rate to *0 (frozen)*, *play* for some forty steps, *pause*. Then switch the loss to and fro with *arrows* on: the ground stays, the points stay. What changes?
# 2. Give the generator its rate of 0.002 again. *Reset*, and *play* with minimax; then *reset*, and *play* with modified. *Measure Wasserstein-1* now and then. Which of the two swings more widely at first?
# 3. Set the generator's learning rate to 0.001 and the discriminator's to 0.0003, the data to *ring*, and play the modified loss. How many heaps does it hold at a time?

# %% tags=["nbval-ignore-output"] teaches=["D36"]
stage_rng = torch.Generator().manual_seed(SEEDS[1])
stage_pair = mlp((2, 64, 64, 2), stage_rng), judge((2, 64, 64, 1), stage_rng)
theatre(*stage_pair, moons, loss=minimax, losses={"minimax": minimax, "modified minimax": modified_minimax},
        targets={"two moons": moons, "ring": distributions.ring()}, seed=SEED, n_arrows=40, lr_generator=2e-3,
        lr_discriminator=2e-3, layers=("real", "generated", "field", "arrows"))

# %% [markdown]
# **Figure 9.14.** The theatre before the first step. In a live notebook the controls, the six steps and the loss curves stand beside it.
#
# ## Exercises
#
# **1. Change a number and predict.** In Figure 9.2, move the score to 2.2 ($D = 0.9$). Which loss pushes harder, and how many times? When in a training does a generator meet such a score?
#
# **2. Fill in the line.** The generator's modified loss, from *logits*.

# %%
def modified_loss(scores_fake):
    return ...  # your line: one number, to be made small


a_fake = torch.tensor([-3.0, 0.5, -200.0, 1.0])
modified_hints = {
    "the sign is flipped: the generator wants log D high": logsigmoid(a_fake).mean(),
    "that is minimax, log(1 - D)": logsigmoid(-a_fake).mean(),
    "that is -log(1 - D): what the judge makes small on generated points": -logsigmoid(-a_fake).mean(),
    "a sum over the batch where a mean is asked for": -logsigmoid(a_fake).sum(),
    "the logarithm is missing": -torch.sigmoid(a_fake).mean(),
    "the mean of the logarithms, not the logarithm of the mean": -torch.sigmoid(a_fake).mean().log(),
    "sigmoid first and log after gives infinity for a sure judge: logsigmoid does both": -torch.sigmoid(a_fake).log().mean(),
}
compare("modified_loss", lambda: modified_loss(a_fake), -logsigmoid(a_fake).mean(), modified_hints)

# %% [markdown]
# **3. Fill in the line.** Somebody has kept only the *minimax* arrows, `push`, of shape `(n, 2)`, and what $D$ says, `D`, of shape `(n,)`. Recover the modified arrows.

# %%
def modified_push(push, D):
    return ...  # your line: (n, 2)


some_push, some_D = torch.tensor([[0.02, -0.01], [0.3, 0.1], [0.0, 0.5]]), torch.tensor([0.01, 0.4, 0.8])
push_reference = ((1 - some_D) / some_D)[:, None] * some_push
push_hints = {
    "those are the minimax arrows": some_push,
    "the ratio is the other way round": (some_D / (1 - some_D))[:, None] * some_push,
    "divided by D it is the slope of the score; the modified loss takes the part 1 - D of it": some_push / some_D[:, None],
    "that would be 1 - D times the minimax arrow, which has the factor D already": (1 - some_D)[:, None] * some_push,
    "one ratio for all: each point has its own": ((1 - some_D) / some_D).mean() * some_push,
}
compare("modified_push", lambda: modified_push(some_push, some_D), push_reference, push_hints)

# %% [markdown]
# **4. Fill in the line.** With the help of `binary_cross_entropy_with_logits(scores, labels)` alone (no logarithm, no sigmoid): the generator's modified loss.

# %%
def by_labels(scores_fake):
    return ...  # your line: one number


label_hints = {
    "with the label 0 it is the judge's own loss on these points": binary_cross_entropy_with_logits(fake_scores, torch.zeros(50)),
    "minus the cross-entropy with the true label: that is minimax": -binary_cross_entropy_with_logits(fake_scores, torch.zeros(50)),
    "the sign is flipped: a cross-entropy is made small": -exchanged,
    "a sum over the batch where a mean is asked for": 50 * exchanged,
    "the scores go in as they are: with_logits takes the sigmoid itself":
        binary_cross_entropy_with_logits(torch.sigmoid(fake_scores), torch.ones(50)),
}
compare("by_labels", lambda: by_labels(fake_scores), exchanged, label_hints)

# %% [markdown]
# **5. Fill in the line.** Add the minimax and the modified loss of the generator. The sum can be written without any logarithm: how?

# %%
def both_losses(scores_fake):
    return ...  # your line: one number, with neither log nor sigmoid


both_hints = {
    "the sign is flipped: both losses want the score high": fake_scores.mean(),
    "twice too much: the two slopes add up to 1": -2 * fake_scores.mean(),
    "a sum over the batch where a mean is asked for": -fake_scores.sum(),
    "that is the minimax loss alone": minimax.generator(fake_scores),
    "that is the modified loss alone": modified_minimax.generator(fake_scores),
}
compare("both_losses", lambda: both_losses(fake_scores), -fake_scores.mean(), both_hints)

# %% [markdown]
# **6. Think.** The judge's half stayed: on generated points it makes $-\log(1-D)$ small. By the trick of this lesson one could let it make $\log D$ small instead. Both push the score of generated points down. Why is that *not* a better question for the judge?
#
# **7. Think, then count.** If the minimax push is too weak, why not take a larger learning rate? Use `pulls` of Part C: by what factor would it have to grow at $t = 8$, and what would that factor do at $t = 1$?
#
# **8. Open question.** Some people let the generator begin with the modified loss and go over to minimax later. What would you gain by Figure 9.9, what by Figure 9.7? How would you find out whether it helps, and on how many seeds? (A way is in the answers.)
#
# ## Recap
#
# - Both losses want the score of generated points higher. Minimax gives each point the weight $D$, modified $1 - D$; their ratio is $(1-D)/D$, whatever the network. On one point: one direction, two lengths. Over a batch: two directions.
# - The change is one line, or a label exchanged; the judge's loss stays. The inventors' own program trains its generator so.
# - Before the best judge, where the clouds overlap, the modified generator goes down $\mathrm{KL}(q\,\|\,p) - 2\,\mathrm{JS} = 2\,\mathrm{KL}(m\,\|\,p)$: never negative, 0 only at $p = q$, and dearer for stray points than for heaps left out.
# - It cures saturation, which is what it is made for. Its gradient grows, and the noise with it; the Dirac-GAN does not come to rest with simultaneous steps; and with a slow judge it collapses as minimax does, in our setting more.
# - The game is no longer zero-sum.
# - Adam rescales small gradients, and so hides much of what saturation does.
#
# The table that grows through the series:
#
# | lesson | how a new point is made | what it needs | where it stops |
# |---|---|---|---|
# | 1 | a training point plus a little noise (kernel density) | samples | in many dimensions: copies with noise, nothing new |
# | 2 | a transformation of uniform numbers, built by hand | a formula; on a line, samples | where there is no formula and no order |
# | 3 | a transformation of noise, made by a network | pairs of noise and sample | where there are samples but no pairs |
# | 4 | a given point is moved down the MMD | samples, and a bandwidth that fits | it moves the points it has; for a new one, everything starts again |
# | 5 | a network trained down the MMD turns noise into points | samples, a kernel, large batches | where a fixed kernel sees too little: sharp pictures |
# | 6 | no new way: the Dirac-GAN moves one single point | a second learner in place of the kernel | where the two circle and never settle |
# | 7 | a network trained by what a second network says | samples, and a judge that keeps pace | where the two lose touch: lesson 8 |
# | 8 | as in 7, with instruments beside it and averaged weights | fresh points to measure with, several seeds, a judge that is quick enough or sees the batch | where the judge is right too early: lesson 9 |
# | 9 | as in 7, but the generator raises $\log D$ | the same, one line changed | pushes grow and tremble; it circles, and collapses, as before |
#
# And the table of losses:
#
# | loss | what it measures at the optimum | gradient when far apart | second network | what breaks it |
# |---|---|---|---|---|
# | MMD (lesson 5) | itself: a distance that the kernel fixes, no optimum needed | fades too, where the bandwidth is narrow against the distance | none | a bandwidth that does not fit; many coordinates with noise of their own |
# | minimax (lesson 7) | $2\,\mathrm{JS} - \log 4$, if $D$ is at its best | vanishes: saturation | a discriminator that keeps pace | real and generated points that hardly overlap, with a good $D$; a slow $D$ (collapse) |
# | modified minimax (lesson 9) | $2\,\mathrm{KL}(m\,\Vert\,p)$, by its slope, if $D$ is at its best | stays, and grows with the distance (of two bells) | a discriminator that keeps pace | a gradient whose noise grows with its length; a slow $D$ (collapse) |
#
# ## Next
#
# Add the two questions, $\log(1-D)$ and $-\log D$, and something odd happens (Exercise 5): what remains is minus the bare score, with no probability left in it. A generator that simply wants a higher *score* hears the same from every point, believed or not. But then, what is a score worth, if nobody says how steep it may be? *What if the judge gave a grade instead of a verdict?*

# %% [markdown]
# ## Answers
#
# Open what you want to see: the answers in words by their triangle, the code by the three dots.

# %% [markdown] tags=["answer"]
# <details><summary>Answer 1</summary>
#
# Minimax, nine times as hard: the ratio is $(1-D)/D = 1/9$. Such scores come up when the generator has just run to a place where the judge has not looked yet. Then minimax shouts "on!" and the modified loss has nearly stopped: one reason why minimax flew past the moons in Figure 9.9.
#
# </details>

# %% jupyter={"source_hidden": true} tags=["answer"]
def modified_loss(scores_fake):
    return -logsigmoid(scores_fake).mean()


def modified_push(push, D):
    return ((1 - D) / D)[:, None] * push


def by_labels(scores_fake):
    return binary_cross_entropy_with_logits(scores_fake, torch.ones_like(scores_fake))


def both_losses(scores_fake):
    return -scores_fake.mean()


compare("modified_loss", lambda: modified_loss(a_fake), -logsigmoid(a_fake).mean(), modified_hints)
compare("modified_push", lambda: modified_push(some_push, some_D), push_reference, push_hints)
compare("by_labels", lambda: by_labels(fake_scores), exchanged, label_hints)
compare("both_losses", lambda: both_losses(fake_scores), -fake_scores.mean(), both_hints)
assert torch.isclose(minimax.generator(fake_scores) + modified_minimax.generator(fake_scores), -fake_scores.mean())

# %% [markdown] tags=["answer"]
# <details><summary>Answer 5, in words</summary>
#
# $\log(1-D) - \log D = -a$, since $D/(1-D) = e^a$. So the sum is minus the mean score. With the best judge, $a = \log p - \log q$, and the sum is $\mathrm{KL}(q\,\|\,p)$, whose pull on the bell of Figure 9.6 is exactly $t$.
#
# </details>
#
# <details><summary>Answer 6</summary>
#
# $-\log(1-D)$ has the slope $D$ in the score: loud where the judge is fooled, quiet where it is right already. $\log D$ has the slope $1-D$: quiet where the judge is fooled, and at full strength for ever where it is right. It would go on lowering scores that are low enough, and neglect its mistakes. The judge's old question has its silence in the right place; the generator's had it in the wrong one. And it would have no best answer at all: wherever $q > p$, its loss falls for ever as $D$ goes to 0.
#
# </details>

# %% jupyter={"source_hidden": true} tags=["answer"]
factors = {t: pulls(t)[1] / pulls(t)[0] for t in (1, 8)}
print(f"Answer 7: to pull as the modified loss does, minimax needs a rate {factors[8]:,.0f} times larger at t = 8, "
      f"and {factors[1]:.2f} times at t = 1")
print(f"with the rate for t = 8, a step at t = 1 would be {factors[8] / factors[1]:,.0f} times too long")
assert factors[8] > 1e4 and factors[1] < 2

# %% [markdown] tags=["answer"]
# <details><summary>Answer 8</summary>
#
# By Figure 9.9 one would gain the start, by Figure 9.7 an even hand afterwards. To find out: three arms (minimax, modified, first one then the other), the same twenty seeds and as many steps in each, Wasserstein-1 to fresh points and the shares of the heaps at a step fixed beforehand, and a count of seeds in place of the best picture.
#
# </details>

# %% [markdown] tags=["answer"]
# <details><summary>What to look for in the theatre</summary>
#
# (1) Only the arrows: with the modified loss they are longer where the ground is orange, and each keeps its direction. (2) It depends on the seed; look at several before you say anything. (3) Often one or two, and they hop; with equal rates more.
#
# </details>
