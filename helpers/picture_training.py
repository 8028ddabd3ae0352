"""Training on pictures: a GAN, a generative matching network and a variational autoencoder, on a CPU or a GPU.

The steps are those of lessons 5, 7 and 10, with what pictures ask for: another layout of the memory, 16-bit numbers on
a GPU, averaged weights, a penalty now and then. A `PictureRun` drives all three, for so many steps or seconds.
"""

import contextlib
import time
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import nn
from tqdm import tqdm

from helpers.distances import _check_bandwidth, median_bandwidth, mmd2
from helpers.losses import gradient_penalty, modified_minimax
from helpers.networks import averaged
from helpers.puppies import N_FACTORS, draw_puppies
from helpers.sampling import uniform_noise
from helpers.training import (
    BAR_AFTER,
    BETAS,
    Run,
    _check_counts,
    _check_loss_object,
    _check_rates,
    _check_trainable,
    _held_back_interrupt,
    _memory,
    _undisturbed,
    frozen,
)

CHECK = 50  # steps after which the losses are looked at: to fetch one from a GPU is to wait for it
AT_ONCE = 64  # pictures that are generated together for looking
SETTLING = 8  # batches of AT_ONCE on which batch norm is measured anew for averaged weights
OUT_OF_MEMORY = torch.cuda.OutOfMemoryError


def pick_device(wanted=None):
    """The torch.device to train on, a GPU if there is one, after one printed line that names it.

    wanted: "cpu" or "cuda" forces it. Raises ValueError if it is something else, or is not there.
    """
    if wanted not in (None, "cpu", "cuda"):
        raise ValueError(f'wanted must be "cpu", "cuda" or None, but is {wanted!r}.')
    if wanted == "cuda" and not torch.cuda.is_available():
        raise ValueError('there is no GPU that torch can use: take "cpu", or in Colab choose one under '
                         '"Runtime, Change runtime type".')
    if wanted == "cpu" or not torch.cuda.is_available():
        print(f"Training on the CPU, {torch.get_num_threads()} thread{'s' * (torch.get_num_threads() > 1)}.")
        return torch.device("cpu")
    about = torch.cuda.get_device_properties(0)
    print(f"Training on a GPU, {about.name}, {about.total_memory / 2**30:.0f} GiB.")
    return torch.device("cuda", 0)


class PuppyPictures:
    """Puppies to train on: `.sample(n, rng)` gives n of them, (n, 3, size, size) float32 in [0, 1].

    n_kept: there are so many, whose factors rng draws now; each is drawn when it is first asked for, and kept in 8 bits
    (3 kB at 32x32). None: all are fresh, at some 2 milliseconds each on a CPU core. device: where the pictures lie.
    `all()`: the kept ones, (n_kept, 3, size, size). Raises ValueError for an n_kept that is no number of pictures.
    """

    def __init__(self, size, rng, n_kept=None, device="cpu"):
        self.size, self.device, self.factors = size, torch.device(device), None
        if n_kept is not None:
            _check_counts(n_kept=(n_kept, 1))
            self.factors = torch.rand(n_kept, N_FACTORS, generator=rng, device=rng.device)
            self.kept = torch.empty(n_kept, 3, size, size, dtype=torch.uint8, device=self.device)
            self.missing = torch.ones(n_kept, dtype=torch.bool)

    def sample(self, n, rng):
        """n pictures, (n, 3, size, size): with n_kept, some of the kept ones, with repeats."""
        if self.factors is None:
            return self._draw(torch.rand(n, N_FACTORS, generator=rng, device=rng.device))
        return self._pick(torch.randint(len(self.factors), (n,), generator=rng, device=rng.device).cpu())

    def all(self):
        """All kept ones, (n_kept, 3, size, size). ValueError if none is kept."""
        if self.factors is None:
            raise ValueError("these puppies are all fresh: none is kept. Say n_kept=10000, for instance.")
        return torch.cat([self._pick(some) for some in torch.arange(len(self.factors)).split(500)])

    def _pick(self, chosen):
        missing = chosen[self.missing[chosen]].unique()
        if len(missing):
            drawn = self._draw(self.factors[missing.to(self.factors.device)])
            self.kept[missing.to(self.device)] = (255 * drawn).round().byte()
            self.missing[missing] = False
        return self.kept[chosen.to(self.device)].float() / 255

    def _draw(self, factors):
        return draw_puppies(factors.to(self.device), self.size)


@dataclass(frozen=True, eq=False)
class PictureSnapshot:
    """What a run on pictures looks like after some steps; everything detached and on the CPU.

    step: training steps done. seconds: that they took, without looking. pictures: (n_shown, colours, size, size)
    in [0, 1], from the same noise in all snapshots of a run, by the averaged weights if there are any. losses: a
    (step,) tensor for each name, as `loss_curves` takes them.
    """

    step: int
    seconds: float
    pictures: torch.Tensor
    losses: dict


def train_pictures(generator, judge, pictures, rng, loss=modified_minimax, noise_dim=64, judge_steps=1, betas=BETAS,
                   r1=0.1, r2=0.0, r1_every=4, penalty=0.0, **how):
    """A PictureRun that trains a generator and a judge against each other: an iterator of PictureSnapshots.

    generator: a module from noise (n, noise_dim), uniform in [-1, 1], to pictures; judge: one from pictures to scores
    (n,). Both are trained in place. pictures: (n, colours, size, size), float32 in [0, 1] or uint8, or an
    object with sample(n, rng), as `PuppyPictures`. rng: the torch.Generator of noise and batches; drawn on the
    CPU, they are the same whether the networks lie there or on a GPU. loss: of `helpers.losses`; one with
    `paired = True` is asked generator(scores_fake, scores_real). judge_steps: of the judge for each one of the
    generator. r1, r2: weights of the mean squared slope at real and at generated pictures, taken every r1_every-th step
    with r1_every times the weight. penalty: weight of `gradient_penalty` between the two, in every step, as the
    Wasserstein loss asks. The losses that are kept are without penalties. how: n_steps or seconds, and more, as for
    `PictureRun`.
    Raises ValueError or TypeError at once if the arguments do not fit together. Taught in lesson 11.
    """
    _check_counts(judge_steps=(judge_steps, 1), r1_every=(r1_every, 1))
    _check_weights(r1=r1, r2=r2, penalty=penalty)
    _check_loss_object(loss)
    run = PictureRun(["discriminator", "generator"], [generator, judge], pictures, rng, noise_dim, **how)
    _check_scores_of(judge, run.sample(2, torch.Generator(rng.device)))
    adam_g, adam_d = run.adam(generator, betas), run.adam(judge, betas)
    # the penalty draws where the pictures lie
    beside = rng if rng.device == run.device else torch.Generator(run.device).manual_seed(rng.initial_seed())
    mixes = any(isinstance(part, nn.modules.batchnorm._BatchNorm) for part in judge.modules())

    def scores_of(x_real, x_fake):
        """The judge's scores; in one go, unless batch norm in it would mix real with generated ones."""
        with run.cast():
            if mixes:
                return judge(x_real).float(), judge(x_fake).float()
            return judge(torch.cat([x_real, x_fake])).float().chunk(2)

    def judge_step(x_real, x_fake, number):
        loss_judge = loss.judge(*scores_of(x_real, x_fake))
        total = loss_judge
        if number % r1_every == 0:  # penalties are taken in 32 bits: slopes of slopes are small
            for weight, places in ((r1, x_real), (r2, x_fake)):
                if weight > 0:
                    total = total + weight * r1_every * gradient_penalty(judge, places, None, rng, at="real")
        if penalty > 0:
            total = total + penalty * gradient_penalty(judge, x_real, x_fake, beside)
        adam_d.step(total, run.rate)
        return loss_judge.detach()

    def step():
        for _ in range(judge_steps - 1):
            with torch.no_grad():
                x_fake = run.fake()
            judge_step(run.sample(), x_fake, run.step)
        x_real, x_fake = run.sample(), run.fake()  # serve both players
        loss_judge = judge_step(x_real, x_fake.detach(), run.step)
        with frozen(judge):  # no gradient is worked out for what does not move
            if getattr(loss, "paired", False):
                scores_real, scores_fake = scores_of(x_real, x_fake)
                loss_generator = loss.generator(scores_fake, scores_real)
            else:
                with run.cast():
                    scores_fake = judge(x_fake).float()
                loss_generator = loss.generator(scores_fake)
            adam_g.step(loss_generator, run.rate)
        return loss_judge, loss_generator.detach()

    run.make_a_step = step
    return run


def train_picture_gmn(generator, pictures, rng, features=None, bandwidth=None, noise_dim=64, betas=(0.9, 0.999), **how):
    """A PictureRun that trains a generator down the MMD between generated and real pictures.

    features: a differentiable function from pictures to (n, d), in which they are compared, such as principal
    components or an encoder's codes; None: the pixels themselves. bandwidth: as for `mmd2`; None: five, from a
    quarter of the median distance of real ones to four times that. how: batch_size 128 unless said
    otherwise; the rest as for `train_pictures`, errors too. It made a recording of lesson 11.
    """
    run = PictureRun(["generator"], [generator], pictures, rng, noise_dim, **dict(batch_size=128) | how)
    _check_counts(batch_size=(run.batch_size, 2))
    features = features or (lambda x: x.flatten(1))
    if bandwidth is None:
        with torch.no_grad():
            typical = float(median_bandwidth(features(run.sample(500, run.apart()))))
        bandwidth = [typical * factor for factor in (0.25, 0.5, 1.0, 2.0, 4.0)]
    _check_bandwidth(bandwidth)
    adam = run.adam(generator, betas)

    def step():
        with torch.no_grad():
            wanted = features(run.sample())
        loss = mmd2(features(run.fake()), wanted, bandwidth)
        adam.step(loss, run.rate)
        return (loss.detach(),)

    run.make_a_step = step
    return run


def train_vae(encoder, decoder, pictures, rng, beta=1.0, reconstruction="bernoulli", sd=0.1, betas=(0.9, 0.999), **how):
    """A PictureRun that trains a variational autoencoder; its snapshots show samples from the prior.

    encoder: from pictures to (n, 2 * n_codes), means and logarithms of variances of the codes; decoder: from codes
    (n, n_codes) to pictures. The loss is a picture's reconstruction plus beta times the divergence of its codes
    from the standard normal, both in nats. reconstruction: "bernoulli" (cross-entropy of each number in [0, 1]) or
    "gaussian" (of that sd). how: batch_size 64 unless said otherwise; the rest as for `train_pictures`.
    Raises ValueError for other words and numbers, TypeError for what is no network.
    Source: Kingma and Welling 2014; Higgins et al. 2017 for beta. Its loss is written out in lesson 11.
    """
    if reconstruction not in ("bernoulli", "gaussian"):
        raise ValueError(f'reconstruction must be "bernoulli" or "gaussian", but is {reconstruction!r}.')
    _check_weights(beta=beta)
    if isinstance(sd, bool) or not isinstance(sd, int | float) or not 0 < sd < float("inf"):
        raise ValueError(f"sd, the spread around a reconstruction, must be a positive number, but is {sd!r}.")
    _check_networks([decoder, encoder], rng)
    n_codes = _n_codes(encoder, _source(pictures, _place(encoder))(2, torch.Generator(rng.device)))
    run = PictureRun(["reconstruction", "divergence"], [decoder, encoder], pictures, rng, n_codes,
                     **dict(batch_size=64) | how, normal_noise=True)
    # batch norm sees codes of real pictures in training, and should see them when its averaged weights settle
    run.settle_on = lambda n, own: codes(run.sample(n, own), own)[0]
    adam = run.adam(nn.ModuleList([encoder, decoder]), betas)

    def codes(x, own):
        with run.cast():
            mean, log_variance = encoder(x).float().chunk(2, dim=1)
        return mean + (log_variance / 2).exp() * run.noise(len(x), own), mean, log_variance

    def step():
        x = run.sample()
        drawn, mean, log_variance = codes(x, rng)
        with run.cast():
            x_again = decoder(drawn)
        if reconstruction == "bernoulli":
            lost = F.binary_cross_entropy(x_again.float(), x, reduction="sum") / len(x)
        else:
            lost = (x_again.float() - x).square().sum() / (2 * sd**2 * len(x))
        divergence = (mean.square() + log_variance.exp() - 1 - log_variance).sum() / (2 * len(x))
        adam.step(lost + beta * divergence, run.rate)
        return lost.detach(), divergence.detach()

    run.make_a_step = step
    return run


class PictureRun(Run):
    """Training on pictures that can be paused, interrupted and taken up again; an iterator of PictureSnapshots.

    The first snapshot comes before any step, the others at equal parts of the steps or seconds. An interrupt takes
    effect between two steps (a second one at once, amid a step), and the next `next` goes on. `generate(n)`:
    new pictures. `step`, `seconds`: done so far, looking not counted. `average`: the averaged generator, or None.
    Raises FloatingPointError when training diverges; the networks then are as they were up to CHECK steps before.
    Raises MemoryError when the GPU's memory is too small, with the batch size to try.

    n_steps, seconds: how long, whichever ends first; one may be None. batch_size, lr (of Adam): of the training.
    averaging: decay of the average of the generator's weights, which snapshots then show, or None; at first the average
    is that of all steps so far, if these are fewer. decay: the learning rate falls to 0 over the second half.
    looks: snapshots after the first, of n_shown pictures. mixed: 16-bit numbers in the networks; None: on a GPU.
    names: of the losses that a step returns. networks: the generator first.
    normal_noise: from the standard normal, not uniform in [-1, 1].
    """

    def __init__(self, names, networks, pictures, rng, noise_dim, n_steps=None, seconds=None, batch_size=32, lr=1e-3,
                 averaging=0.999, decay=True, looks=10, n_shown=64, mixed=None, normal_noise=False):
        _check_counts(noise_dim=(noise_dim, 1), batch_size=(batch_size, 1), looks=(looks, 1), n_shown=(n_shown, 1))
        _check_rates(lr=lr)
        _check_length(n_steps, seconds)
        _check_networks(networks, rng)
        self.names, self.networks, self.rng, self.noise_dim = names, networks, rng, noise_dim
        self.n_steps, self.budget, self.batch_size, self.lr, self.decay = n_steps, seconds, batch_size, lr, decay
        self.looks, self.n_shown, self.normal_noise = looks, n_shown, normal_noise
        self.device = _place(networks[0])
        self.source, self.type16 = _source(pictures, self.device), _type16(self.device, mixed)
        for network in networks:
            network.to(memory_format=torch.channels_last)  # convolutions are faster so, on both kinds of device
        self.average = None if averaging is None else _averaged(networks[0], averaging)
        self.settle_on = self.noise
        self.due, self.seconds, self.bar = 0, 0.0, None  # due: the number of the next look, None after the last
        self.done, self.history, self.recent = 0, [], []  # losses: on the CPU, and not yet fetched from the device
        self._check_generator()

    @property
    def step(self):
        return self.done

    @property
    def progress(self):
        """From 0 at the start to 1 at the end."""
        steps = self.done / self.n_steps if self.n_steps else 0.0
        return max(steps, self.seconds / self.budget if self.budget else 0.0)

    @property
    def rate(self):
        """What the learning rate is multiplied by: 1, and from the middle on linearly to 0."""
        return max(min(1.0, 2 - 2 * self.progress), 1e-3) if self.decay else 1.0

    def __len__(self):
        return 1 + self.looks

    def __next__(self):
        if self.due is None:
            raise StopIteration
        with contextlib.nullcontext(self.bar) if self.bar is not None else self._bar() as bar:
            self._train(self.due / self.looks, bar)
        snapshot = PictureSnapshot(self.done, self.seconds, self.generate(self.n_shown, seed=0), self._losses())
        self.due = self.due + 1 if self.due < self.looks else None
        return snapshot

    def generate(self, n, seed=1):
        """n pictures, (n, colours, size, size) on the CPU, by the averaged weights; the same for the same seed.

        Batch norm's statistics are measured anew first: those of the training belong to the weights before averaging.
        """
        network, own = self.networks[0] if self.average is None else self.average, self.apart(seed)
        with _undisturbed(self.device, *self.networks, self.average), torch.no_grad():
            z = self.noise(n, own)
            if self.average is not None:
                _settle(network, self.settle_on, own)
            return torch.cat([network(part).float().cpu().contiguous() for part in z.split(AT_ONCE)])

    def sample(self, n=None, own=None):
        """A batch of real pictures, by numbers of the run's rng, or of another."""
        return self.source(n or self.batch_size, own or self.rng).contiguous(memory_format=torch.channels_last)

    def noise(self, n, own):
        """Noise (n, noise_dim) on the networks' device: uniform in [-1, 1], or normal."""
        if self.normal_noise:
            z = torch.randn(n, self.noise_dim, generator=own, device=own.device)
        else:
            z = 2 * uniform_noise(n, self.noise_dim, own) - 1
        return z.to(self.device)

    def fake(self):
        """A batch of generated pictures."""
        with self.cast():
            return self.networks[0](self.noise(self.batch_size, self.rng)).float()

    def cast(self):
        """The context in which networks work: with 16-bit numbers, or as they are."""
        return torch.autocast(self.device.type, dtype=self.type16, enabled=self.type16 is not None)

    def apart(self, seed=0):
        """Random numbers beside the training's."""
        return torch.Generator(self.rng.device).manual_seed((self.rng.initial_seed() + 1 + seed) % 2**63)

    def adam(self, network, betas):
        return _Adam(network, self.lr, betas, self.device, self.type16)

    def _check_generator(self):
        """Raises unless the generator makes pictures like the real ones of noise_dim numbers."""
        generator, wanted = self.networks[0], self.sample(1, torch.Generator(self.rng.device)).shape[1:]
        with _undisturbed(self.device, generator), torch.no_grad():
            try:
                shape = generator(torch.zeros(2, self.noise_dim, device=self.device)).shape
            except Exception as error:
                raise ValueError(f"the generator does not take noise of {self.noise_dim} numbers: {error}") from None
        if shape[1:] != wanted:
            raise ValueError(f"the generator makes pictures of shape {tuple(shape[1:])}, but the real ones have "
                             f"{tuple(wanted)}.")

    def _bar(self):
        return tqdm(total=100, initial=int(100 * self.progress), unit="%", delay=BAR_AFTER, leave=False,
                    bar_format="{l_bar}{bar}| {elapsed}<{remaining}")

    def _train(self, goal, bar):
        put_back = None
        with _held_back_interrupt() as pressed:
            while self.progress < goal and not pressed:
                if put_back is None:
                    average = [] if self.average is None else [self.average]
                    put_back = _memory([*self.networks, *average], self.rng)
                began = time.perf_counter()
                try:
                    self.recent.append(torch.stack(self.make_a_step()))
                except OUT_OF_MEMORY:
                    raise MemoryError(_advice_on_memory(self.batch_size)) from None
                self.done += 1
                if self.average is not None:
                    self.average.update_parameters(self.networks[0])
                if self.done % CHECK == 0:
                    self._fetch(put_back)
                    put_back = None
                self.seconds += time.perf_counter() - began
                bar.update(int(100 * self.progress) - bar.n)
            self._fetch(put_back)
        if pressed:
            raise KeyboardInterrupt(f"interrupted after step {self.done}; the next next() goes on")

    def _fetch(self, put_back):
        """Waits for the device, and takes over the losses if they are finite numbers."""
        if not self.recent:
            return
        losses = torch.stack(self.recent).float().cpu()
        self.recent = []
        if not losses.isfinite().all():
            put_back()
            self.done = sum(map(len, self.history))
            raise FloatingPointError(
                f"Training stopped within {CHECK} steps after step {self.done}: the loss is no longer a finite number. "
                f"The networks are as they were then. Try a smaller learning rate than {self.lr:g}, and make new "
                "networks, since these are spoilt.")
        self.history.append(losses)

    def _losses(self):
        whole = torch.cat(self.history) if self.history else torch.empty(0, len(self.names))
        return dict(zip(self.names, whole.unbind(1)))


class _Adam:
    """Adam in one operation for all weights, with the loss scaled up where 16-bit numbers would lose its slopes."""

    def __init__(self, network, lr, betas, device, type16):
        fused = device.type in ("cpu", "cuda")
        self.lr, self.adam = lr, torch.optim.Adam(network.parameters(), lr=lr, betas=betas, fused=fused)
        self.scaler = torch.amp.GradScaler(device.type, enabled=type16 is torch.float16)

    def step(self, loss, rate):
        """One step down the loss, at `rate` times the learning rate."""
        for group in self.adam.param_groups:
            group["lr"] = self.lr * rate
        self.adam.zero_grad()
        self.scaler.scale(loss).backward()
        self.scaler.step(self.adam)
        self.scaler.update()


def _place(network):
    return next(network.parameters()).device


def _averaged(network, decay):
    """As `networks.averaged`, but at first the plain mean of all steps: the memory grows until it is the decay's."""
    average = averaged(network, decay)

    def follow(averages, weights, n_so_far):
        torch._foreach_lerp_(averages, weights, max(1 - decay, 1 / (1 + int(n_so_far))))

    average.multi_avg_fn = torch.no_grad()(follow)
    return average


def _type16(device, mixed):
    """The 16-bit type to work with, or None for none: bfloat16 where the device has it in hardware."""
    if mixed is None:
        mixed = device.type == "cuda"
    if not mixed:
        return None
    if device.type == "cuda" and torch.cuda.get_device_capability(device) < (8, 0):  # a T4
        return torch.float16
    return torch.bfloat16


def _settle(network, noise, own):
    """Measures batch norm's means and variances anew, as means over batches; the network is at rest afterwards."""
    norms = [part for part in network.modules() if isinstance(part, nn.modules.batchnorm._BatchNorm)]
    if not norms:
        return
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # torch's word for the plain mean over all batches
    network.train()
    for _ in range(SETTLING):
        network(noise(AT_ONCE, own))
    network.eval()
    for norm, momentum in zip(norms, momenta):
        norm.momentum = momentum


def _drawn_from(pictures, n, rng):
    """n of the pictures, with replacement, as float32 in [0, 1]."""
    x = pictures[torch.randint(len(pictures), (n,), generator=rng, device=rng.device).to(pictures.device)]
    return x.float() / 255 if x.dtype == torch.uint8 else x


def _source(pictures, device):
    """A function (n, rng) that draws real pictures, after a check of what it draws from."""
    if callable(getattr(pictures, "sample", None)):
        return pictures.sample
    if not isinstance(pictures, torch.Tensor) or pictures.ndim != 4 or len(pictures) == 0:
        what = tuple(pictures.shape) if isinstance(pictures, torch.Tensor) else f"of type {type(pictures).__name__}"
        raise TypeError("pictures must be a tensor (n, colours, size, size), or have a method sample(n, rng), "
                        f"but they are {what}.")
    low, high = pictures.min(), pictures.max()
    if pictures.dtype != torch.uint8 and (pictures.dtype != torch.float32 or not (low >= 0 and high <= 1)):  # or nan
        raise ValueError("pictures must be float32 in [0, 1] or uint8, but are "
                         f"{pictures.dtype} from {low:.3g} to {high:.3g}.")
    if pictures.device != device:
        raise ValueError(f"pictures lie on {pictures.device} but the networks on {device}: write pictures.to(device).")
    return lambda n, own: _drawn_from(pictures, n, own)


def _advice_on_memory(batch_size):
    if batch_size == 1:
        return "The GPU's memory is too small even for one picture at a time: try smaller pictures or fewer channels."
    return (f"The GPU's memory is too small for batches of {batch_size} pictures: try batch_size={batch_size // 2}, "
            "or restart the kernel if other networks still lie there.")


def _n_codes(encoder, x):
    with _undisturbed(x.device, encoder), torch.no_grad():
        codes = encoder(x)
    if codes.ndim != 2 or codes.shape[1] % 2:
        raise ValueError("the encoder must return (n, 2 * n_codes), means and logarithms of variances; for 2 pictures "
                         f"it returns {tuple(codes.shape)}.")
    return codes.shape[1] // 2


def _check_networks(networks, rng):
    if not isinstance(rng, torch.Generator):
        raise TypeError("rng must be a torch.Generator: make one with torch.Generator().manual_seed(0).")
    for name, network in zip(("generator", "judge or encoder"), networks):
        if not isinstance(network, nn.Module):
            raise TypeError(f"the {name} must be a torch.nn.Module, but is of type {type(network).__name__}.")
        _check_trainable(name, network)
        if _place(network) != _place(networks[0]):
            raise ValueError(f"the generator lies on {_place(networks[0])} but the {name} on {_place(network)}: both "
                             "must be on one device.")
    if rng.device.type not in ("cpu", _place(networks[0]).type):
        raise ValueError(f"the networks lie on {_place(networks[0])} but rng on {rng.device}: rng must be there too, "
                         "or on the CPU.")


def _check_scores_of(judge, x_real):
    with _undisturbed(x_real.device, judge), torch.no_grad():
        try:
            shape = tuple(judge(x_real).shape)
        except Exception as error:
            raise ValueError(f"the judge does not take pictures of shape {tuple(x_real.shape)}: {error}") from None
    if shape != (2,):
        raise ValueError(f"the judge must return one score for each picture, of shape (n,); for 2 it returns {shape}. "
                         "End it with nn.Flatten(0).")


def _check_length(n_steps, seconds):
    if n_steps is None and seconds is None:
        raise ValueError("say how long to train: n_steps=..., or seconds=...")
    if n_steps is not None:
        _check_counts(n_steps=(n_steps, 1))
    if seconds is not None and (isinstance(seconds, bool) or not isinstance(seconds, int | float) or not seconds > 0):
        raise ValueError(f"seconds, of training, must be a positive number, but is {seconds!r}.")


def _check_weights(**weights):
    for name, weight in weights.items():
        if isinstance(weight, bool) or not isinstance(weight, int | float) or not 0 <= weight < float("inf"):
            raise ValueError(f"{name}, a weight, must be a number of at least 0, but is {weight!r}.")
