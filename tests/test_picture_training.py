"""Training on pictures: against loops written out, whoever looks, and whatever interrupts."""

import copy
import signal
import time

import pytest
import torch
import torch.nn.functional as F
from torch import distributions, nn

from helpers import picture_training
from helpers.losses import modified_minimax, wasserstein
from helpers.networks import averaged, picture_discriminator, picture_encoder, picture_generator
from helpers.picture_training import PuppyPictures, pick_device, train_picture_gmn, train_pictures, train_vae
from helpers.training import Run

PLAIN = dict(noise_dim=3, n_steps=6, batch_size=4, looks=1, n_shown=4, averaging=None, decay=False, r1=0.0)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def real(n=40):
    return torch.rand(n, 3, 8, 8, generator=seeded(9))


def pair(seed=0):
    """A generator and a discriminator of 8x8 pictures, and the rng that goes on."""
    rng = seeded(seed)
    return picture_generator(3, 8, rng, channels=2), picture_discriminator(8, rng, channels=3), rng


def parameters(*networks):
    return torch.cat([p.detach().reshape(-1) for network in networks for p in network.parameters()])


def written_out(n_steps, r1=0.0, r2=0.0, every=4, lr=1e-3):
    """The same training in torch alone: the parameters of both at the end, and the losses."""
    generator, judge, rng = pair()
    adams = [torch.optim.Adam(network.parameters(), lr=lr, betas=(0.5, 0.9)) for network in (judge, generator)]
    losses, bce = [], F.binary_cross_entropy_with_logits
    for step in range(n_steps):
        x_real = real()[torch.randint(40, (4,), generator=rng)]
        x_fake = generator(2 * torch.rand(4, 3, generator=rng) - 1)
        loss_judge = bce(judge(x_real), torch.ones(4)) + bce(judge(x_fake.detach()), torch.zeros(4))
        total = loss_judge
        for weight, places in ((r1, x_real), (r2, x_fake.detach())):
            if weight and step % every == 0:
                places = places.clone().requires_grad_()
                slopes, = torch.autograd.grad(judge(places).sum(), places, create_graph=True)
                total = total + weight * every * slopes.square().sum(dim=(1, 2, 3)).mean()
        adams[0].zero_grad()
        total.backward()
        adams[0].step()
        loss_generator = bce(judge(x_fake), torch.ones(4))
        adams[1].zero_grad()
        loss_generator.backward()
        adams[1].step()
        losses.append((loss_judge.item(), loss_generator.item()))
    return parameters(generator, judge), torch.tensor(losses)


@pytest.mark.parametrize("penalties", [dict(r1=0.0), dict(r1=30.0, r1_every=2), dict(r1=30.0, r2=20.0, r1_every=1)])
def test_gan_is_the_loop_written_out(penalties):
    generator, judge, rng = pair()
    *_, last = train_pictures(generator, judge, real(), rng, **PLAIN | penalties)
    words = {**penalties, "every": penalties.get("r1_every", 4)}
    words.pop("r1_every", None)
    reference, losses = written_out(6, **words)
    torch.testing.assert_close(parameters(generator, judge), reference, rtol=1e-3, atol=2e-5)
    torch.testing.assert_close(torch.stack([last.losses["discriminator"], last.losses["generator"]], 1), losses,
                               rtol=1e-3, atol=1e-4)


def test_penalties_matter_in_that_comparison():
    assert (written_out(6)[0] - written_out(6, r1=30.0, every=2)[0]).abs().max() > 1e-3


def test_looking_changes_nothing():
    ends = []
    for looks in (1, 3):
        generator, judge, rng = pair()
        run = train_pictures(generator, judge, real(), rng, **PLAIN | dict(looks=looks, averaging=0.9, r1=0.1))
        snapshots = list(run)
        assert isinstance(run, Run) and len(run) == len(snapshots) == looks + 1
        assert [s.step for s in snapshots] == [6 * k // looks for k in range(looks + 1)]
        assert snapshots[-1].pictures.shape == (4, 3, 8, 8)
        ends.append((parameters(generator, judge), rng.get_state(), snapshots[-1].pictures))
    assert all(torch.equal(a, b) for a, b in zip(*ends))


class Meddling:
    """The modified loss, with something done at its n-th call as the judge's loss."""

    def __init__(self, at, deed):
        self.at, self.deed, self.calls = at, deed, 0

    def judge(self, scores_real, scores_fake):
        self.calls += 1
        loss = modified_minimax.judge(scores_real, scores_fake)
        return self.deed(loss) if self.calls == self.at else loss

    def generator(self, scores_fake):
        return modified_minimax.generator(scores_fake)


def interrupt(loss):
    signal.raise_signal(signal.SIGINT)
    return loss


def test_an_interrupt_waits_for_the_step_and_training_goes_on():
    reference, _ = written_out(6)
    generator, judge, rng = pair()
    run = train_pictures(generator, judge, real(), rng, loss=Meddling(3, interrupt), **PLAIN)
    next(run)
    with pytest.raises(KeyboardInterrupt, match="after step 3"):
        next(run)
    torch.testing.assert_close(parameters(generator, judge), written_out(3)[0], rtol=1e-3, atol=2e-5)
    assert run.generate(5).shape == (5, 3, 8, 8)
    last = next(run)
    assert last.step == 6 and len(last.losses["generator"]) == 6
    torch.testing.assert_close(parameters(generator, judge), reference, rtol=1e-3, atol=2e-5)
    assert list(run) == []


def test_divergence_puts_the_networks_back(monkeypatch):
    monkeypatch.setattr(picture_training, "CHECK", 2)
    generator, judge, rng = pair()
    run = train_pictures(generator, judge, real(), rng, loss=Meddling(5, lambda loss: loss * float("nan")), **PLAIN)
    with pytest.raises(FloatingPointError, match="after step 4: .* smaller learning rate than 0.001"):
        list(run)
    torch.testing.assert_close(parameters(generator, judge), written_out(4)[0], rtol=1e-3, atol=2e-5)


def no_memory(loss):
    raise torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB")


def test_too_little_memory_names_a_batch_size():
    generator, judge, rng = pair()
    with pytest.raises(MemoryError, match="batches of 4 pictures: try batch_size=2"):
        list(train_pictures(generator, judge, real(), rng, loss=Meddling(1, no_memory), **PLAIN))


def test_a_budget_of_seconds_counts_training_only(monkeypatch):
    generator, judge, rng = pair()
    run = train_pictures(generator, judge, real(), rng, **PLAIN | dict(n_steps=None, seconds=0.3, looks=3))
    generate = run.generate
    monkeypatch.setattr(run, "generate", lambda *words, **more: (time.sleep(0.2), generate(*words, **more))[1])
    snapshots = list(run)
    assert len(snapshots) == 4 and snapshots[0].seconds == 0
    for k, snapshot in enumerate(snapshots[1:], start=1):
        assert snapshot.seconds >= k * 0.1 - 1e-9
    assert snapshots[-1].seconds < 2 and snapshots[-1].step > 3


def test_rate_falls_to_nothing_over_the_second_half():
    generator, judge, rng = pair()
    run = train_pictures(generator, judge, real(), rng, **PLAIN | dict(decay=True, n_steps=8))
    assert run.rate == 1.0
    rates = []
    for run.done in range(9):
        rates.append(run.rate)
    assert rates == pytest.approx([1, 1, 1, 1, 1, 0.75, 0.5, 0.25, 0], abs=2e-3)


def test_average_follows_and_shows_with_fresh_statistics():
    generator, judge, rng = pair()
    run = train_pictures(generator, judge, real(), rng, **PLAIN | dict(averaging=0.5, looks=6))
    reference = averaged(generator, 0.5)
    for k, _ in enumerate(run):
        if k > 0:
            reference.update_parameters(generator)
    torch.testing.assert_close(parameters(run.average), parameters(reference))
    before = run.generate(8)
    for part in run.average.modules():
        if isinstance(part, nn.BatchNorm2d):
            part.running_mean.fill_(7)
    assert torch.equal(run.generate(8), before)  # they are measured anew
    assert not torch.equal(run.generate(8, seed=2), before)


def test_settled_statistics_are_those_of_many_batches():
    network = nn.Sequential(nn.BatchNorm2d(2)).eval()
    picture_training._settle(network, lambda n, own: 3 + 2 * torch.randn(n, 2, 4, 4, generator=own), seeded())
    assert network[0].running_mean.tolist() == pytest.approx([3, 3], abs=0.1)
    assert network[0].running_var.tolist() == pytest.approx([4, 4], rel=0.1)
    assert network[0].momentum == 0.1 and not network[0].training


class Counting(nn.Module):
    """A judge that notes how many pictures it saw in each call while training."""

    def __init__(self, judge, *more):
        super().__init__()
        self.judge, self.more, self.seen = judge, nn.ModuleList(more), []

    def forward(self, x):
        if self.training:
            self.seen.append(len(x))
        return self.judge(x)


def test_critic_steps_and_their_calls():
    generator, judge, rng = pair()
    judge = Counting(judge)
    list(train_pictures(generator, judge, real(), rng, loss=wasserstein, **PLAIN | dict(n_steps=1, judge_steps=3, penalty=1.0)))
    assert judge.seen == [8, 4] * 3 + [4]  # both at once, the penalty between; at the end G's step


def test_batch_norm_in_the_judge_sees_real_and_generated_apart():
    generator, judge, rng = pair()
    judge = Counting(judge, nn.BatchNorm2d(1))
    list(train_pictures(generator, judge, real(), rng, **PLAIN | dict(n_steps=1)))
    assert judge.seen == [4, 4, 4]


def test_a_paired_loss_is_told_the_real_scores():
    class Paired(Meddling):
        paired = True

        def generator(self, scores_fake, scores_real):
            assert scores_fake.shape == scores_real.shape == (4,) and scores_fake.requires_grad
            return F.softplus(scores_real - scores_fake).mean()

    generator, judge, rng = pair()
    before = parameters(generator)
    list(train_pictures(generator, judge, real(), rng, loss=Paired(0, None), **PLAIN | dict(n_steps=1)))
    assert not torch.equal(before, parameters(generator))


def test_bytes_and_samplers_serve_as_pictures():
    kept = (255 * real()).round().byte()

    class Sampler:
        def sample(self, n, rng):
            return kept[torch.randint(40, (n,), generator=rng)].float() / 255

    ends = []
    for pictures in (kept, kept.float() / 255, Sampler()):
        generator, judge, rng = pair()
        list(train_pictures(generator, judge, pictures, rng, **PLAIN))
        ends.append(parameters(generator, judge))
    assert torch.equal(ends[0], ends[1]) and torch.equal(ends[0], ends[2])


def test_puppies_are_kept_or_drawn():
    kept, fresh = PuppyPictures(16, seeded(), n_kept=5), PuppyPictures(16, seeded())
    shown = kept.sample(60, seeded(1))
    assert shown.shape == (60, 3, 16, 16) and shown.dtype == torch.float32
    assert len(shown.unique(dim=0)) == 5 and len(fresh.sample(9, seeded(1)).unique(dim=0)) == 9
    whole = fresh.sample(5, seeded())  # the five that were kept, up to rounding to bytes
    assert (kept.kept.float() / 255 - whole).abs().max() <= 0.5 / 255 + 1e-6


def test_puppies_are_drawn_when_they_are_asked_for():
    puppies = PuppyPictures(16, seeded(), n_kept=40)
    assert puppies.missing.all()
    batch, again = puppies.sample(6, seeded(1)), puppies.sample(6, seeded(1))
    assert torch.equal(batch, again) and 34 <= puppies.missing.sum() < 40
    assert puppies.all().shape == (40, 3, 16, 16) and not puppies.missing.any()
    assert torch.equal(puppies.sample(6, seeded(1)), batch), "whoever was drawn in between"
    with pytest.raises(ValueError, match="none is kept"):
        PuppyPictures(16, seeded()).all()


def test_noise_is_uniform_and_an_autoencoders_normal():
    generator, judge, rng = pair()
    uniform = train_pictures(generator, judge, real(), rng, **PLAIN).noise(2000, seeded())
    assert uniform.abs().max() <= 1 and abs(uniform.var() - 1 / 3) < 0.02
    encoder = picture_encoder(8, 3, rng, channels=2)
    normal = train_vae(encoder, generator, real(), rng, n_steps=1).noise(2000, seeded())
    assert abs(normal.var() - 1) < 0.06


def test_a_young_average_is_the_plain_mean():
    generator, judge, rng = pair()
    run = train_pictures(generator, judge, real(), rng, **PLAIN | dict(averaging=0.999, looks=6))
    seen = []
    for snapshot in run:
        if snapshot.step:
            seen.append(parameters(generator))
    torch.testing.assert_close(parameters(run.average), torch.stack(seen).mean(dim=0))


# ---- the other two


def flat(n=200):
    """Pictures of one colour each, the colours between blue and red."""
    share = torch.rand(n, generator=seeded(3))
    colours = torch.stack([share, torch.full_like(share, 0.2), 1 - share], dim=1)
    return colours[:, :, None, None].expand(n, 3, 8, 8).clone()


def spread(pictures):
    """Mean colour, and its spread over the pictures, of the red channel."""
    red = pictures[:, 0].mean(dim=(1, 2))
    return red.mean().item(), red.std().item()


def test_gmn_learns_flat_colours():
    rng = seeded()
    generator = picture_generator(3, 8, rng, channels=4)
    *_, last = train_picture_gmn(generator, flat(), rng, noise_dim=3, n_steps=150, batch_size=32, lr=5e-3, looks=2,
                                 n_shown=200, averaging=0.9)
    mean, sd = spread(last.pictures)
    assert abs(mean - 0.5) < 0.1 and 0.15 < sd < 0.4  # of the data: 0.5 and 0.29
    assert last.losses["generator"][-10:].mean() < last.losses["generator"][0] / 5


def test_gmn_compares_features():
    """Told to look at green alone, it learns green and leaves red where it was."""
    rng = seeded()
    generator = picture_generator(3, 8, rng, channels=4)
    before, *_, last = train_picture_gmn(generator, flat(), rng, features=lambda x: x[:, 1].flatten(1), bandwidth=1.0,
                                         noise_dim=3, n_steps=60, batch_size=32, lr=5e-3, n_shown=100, averaging=None)
    green_then, green = before.pictures[:, 1].mean(), last.pictures[:, 1].mean()
    assert abs(green - 0.2) < 0.05 < abs(green_then - 0.2)


@pytest.mark.parametrize("kind", ["bernoulli", "gaussian"])
def test_vae_losses_are_those_of_torch_distributions(kind):
    rng = seeded()
    encoder, decoder = picture_encoder(8, 3, rng, channels=2), picture_generator(3, 8, rng, channels=2)
    copies = copy.deepcopy((encoder, decoder))
    *_, last = train_vae(encoder, decoder, real(), rng, beta=0.0, reconstruction=kind, n_steps=1, batch_size=4, looks=1)
    again = seeded()
    picture_encoder(8, 3, again, channels=2), picture_generator(3, 8, again, channels=2)  # the same numbers used up
    x = real()[torch.randint(40, (4,), generator=again)]
    mean, log_variance = copies[0](x).chunk(2, dim=1)
    posterior = distributions.Normal(mean, (log_variance / 2).exp())
    divergence = distributions.kl_divergence(posterior, distributions.Normal(0, 1)).sum(1).mean()
    guess = copies[1](mean + posterior.stddev * torch.randn(4, 3, generator=again))
    if kind == "bernoulli":
        lost = -distributions.Bernoulli(guess, validate_args=False).log_prob(x)
    else:  # relative to a perfect reconstruction
        normal = distributions.Normal(guess, 0.1)
        lost = normal.log_prob(guess) - normal.log_prob(x)
    assert last.losses["divergence"].item() == pytest.approx(divergence.item(), rel=1e-4)
    assert last.losses["reconstruction"].item() == pytest.approx(lost.sum(dim=(1, 2, 3)).mean().item(), rel=1e-4)


def test_vae_learns_flat_colours_and_samples_them():
    rng = seeded()
    encoder, decoder = picture_encoder(8, 3, rng, channels=4), picture_generator(3, 8, rng, channels=4)
    run = train_vae(encoder, decoder, flat(), rng, reconstruction="gaussian", n_steps=250, batch_size=32, lr=5e-3,
                    looks=1, n_shown=200, averaging=0.9)
    *_, last = run
    mean, sd = spread(last.pictures)
    assert abs(mean - 0.5) < 0.3 and 0.15 < sd < 0.4  # samples of the prior: nearer with some seeds than with others
    assert last.losses["reconstruction"][-10:].mean() < last.losses["reconstruction"][0] / 5
    with pytest.raises(StopIteration):
        next(run)


# ---- devices and refusals


def test_device_is_named_in_one_line(capsys, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert pick_device() == pick_device("cpu") == torch.device("cpu")
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2 and all(line.startswith("Training on the CPU") for line in lines)
    with pytest.raises(ValueError, match="no GPU that torch can use"):
        pick_device("cuda")
    with pytest.raises(ValueError, match="tpu"):
        pick_device("tpu")


@pytest.mark.parametrize("capability, type16", [((7, 5), torch.float16), ((8, 0), torch.bfloat16), ((9, 0), torch.bfloat16)])
def test_16_bit_type_is_one_that_the_device_has(monkeypatch, capability, type16):
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: capability)
    cuda, cpu = torch.device("cuda"), torch.device("cpu")
    assert picture_training._type16(cuda, None) is picture_training._type16(cuda, True) is type16
    assert picture_training._type16(cuda, False) is picture_training._type16(cpu, None) is None


def test_16_bits_train_to_nearly_the_same_place():
    generator, judge, rng = pair()
    *_, last = train_pictures(generator, judge, real(), rng, **PLAIN | dict(mixed=True))
    assert all(p.dtype == torch.float32 for p in generator.parameters())
    torch.testing.assert_close(last.losses["discriminator"], written_out(6)[1][:, 0], rtol=0.02, atol=0.02)


@pytest.mark.parametrize("change, error, match", [
    (dict(n_steps=None), ValueError, "say how long"),
    (dict(n_steps=0), ValueError, "n_steps"),
    (dict(n_steps=None, seconds=-1), ValueError, "seconds"),
    (dict(batch_size=0), ValueError, "batch_size"),
    (dict(lr=0), ValueError, "lr, the learning rate"),
    (dict(r1=-1.0), ValueError, "r1, a weight"),
    (dict(averaging=1.0), ValueError, "decay of an average"),
    (dict(noise_dim=4), ValueError, "does not take noise of 4 numbers"),
    (dict(loss=F.softplus), TypeError, "has no method judge"),
    (dict(judge=nn.Sequential(nn.Flatten(), nn.Linear(192, 1))), ValueError, r"it returns \(2, 1\)"),
    (dict(generator=picture_generator(3, 16, seeded(), 2)), ValueError, r"\(3, 16, 16\), but the real ones have \(3, 8, 8\)"),
    (dict(pictures=2 * real()), ValueError, r"in \[0, 1\]"),
    (dict(pictures=real().double()), ValueError, "float64"),
    (dict(pictures=real()[0]), TypeError, r"sample\(n, rng\)"),
    (dict(rng=0), TypeError, "torch.Generator"),
    (dict(learning_rate=1), TypeError, "learning_rate"),
])
def test_what_does_not_fit_is_refused_at_once(change, error, match):
    generator, judge, rng = pair()
    words = PLAIN | dict(generator=generator, judge=judge, pictures=real(), rng=rng) | change
    with pytest.raises(error, match=match):
        train_pictures(**words)


def test_an_encoder_with_odd_outputs_is_refused():
    generator, judge, rng = pair()
    with pytest.raises(ValueError, match="2 \\* n_codes"):
        train_vae(judge, generator, real(), rng, n_steps=1)
    with pytest.raises(ValueError, match="bernoulli"):
        train_vae(picture_encoder(8, 3, rng), generator, real(), rng, n_steps=1, reconstruction="l1")
