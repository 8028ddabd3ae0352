"""Sheets of pictures in recordings; that recordings are read as they were written is in test_evidence.py."""

import numpy as np
import pytest
import torch

from helpers.networks import picture_generator
from helpers.puppies import N_FACTORS, draw_puppies
from helpers.recordings import ROOM, fill_network, pack_sheet, unpack_sheet


def test_a_sheet_comes_back_nearly_as_it_was(tmp_path):
    puppies = draw_puppies(torch.rand(6, N_FACTORS, generator=torch.Generator().manual_seed(1)), 32)
    packed = pack_sheet(puppies, columns=3)
    assert packed.shape == (ROOM,) and packed.dtype == np.uint8
    np.savez_compressed(tmp_path / "sheet.npz", sheet=packed)
    assert (tmp_path / "sheet.npz").stat().st_size < 12_000, "the empty room costs nothing"
    sheet = unpack_sheet(np.load(tmp_path / "sheet.npz")["sheet"])
    assert sheet.shape == (64, 96, 3)
    for i, puppy in enumerate(puppies):  # row by row
        row, column = divmod(i, 3)
        shown = torch.from_numpy(sheet[32 * row:32 * row + 32, 32 * column:32 * column + 32]).permute(2, 0, 1) / 255
        assert (shown - puppy).abs().mean() < 0.03


def test_grey_and_numbers_outside_are_packed_too():
    grey = torch.stack([torch.full((1, 16, 16), -1.0), torch.full((1, 16, 16), 2.0)])
    sheet = unpack_sheet(pack_sheet(grey, columns=2))
    assert sheet[:, :14].max() < 10 and sheet[:, 18:].min() > 245


def test_sheets_that_cannot_be():
    with pytest.raises(ValueError, match="5 pictures do not fill rows of 6"):
        pack_sheet(torch.zeros(5, 3, 8, 8))
    with pytest.raises(ValueError, match="record fewer"):
        pack_sheet(torch.rand(60, 3, 100, 100, generator=torch.Generator().manual_seed(0)))


def test_a_network_is_filled_with_recorded_numbers():
    rng = torch.Generator().manual_seed(3)
    recorded, other = picture_generator(4, 8, rng, channels=2), picture_generator(4, 8, rng, channels=2)
    z = torch.rand(50, 4, generator=rng)
    recorded(3 * z)  # batch norm has seen something
    recorded.eval()
    numbers = [place.detach().reshape(-1) for place in (*recorded.parameters(), *recorded.buffers()) if place.is_floating_point()]
    assert fill_network(other, torch.cat(numbers).numpy()) is other and not other.training
    torch.testing.assert_close(other(z), recorded(z))
    with pytest.raises(ValueError, match=r"the network has \d+ numbers, but 5 were recorded"):
        fill_network(other, np.zeros(5, dtype=np.float16))
