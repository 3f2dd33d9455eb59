"""Both networks: layers as released, windows through a run of pictures as one by one, boxes by hand."""

from __future__ import annotations

from collections import OrderedDict

import numpy as np
import pytest
import torch
from torch import nn

from metrics.sync.syncnet import network, s3fd
from metrics.weights import WeightsError


@pytest.fixture(scope="module")
def net() -> nn.ModuleDict:
    torch.manual_seed(7)
    return network.towers()


def weights_of(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def test_it_has_as_many_weights_as_the_released_network(net: nn.ModuleDict) -> None:
    assert weights_of(net["netcnnaud"]) == 4_875_712
    assert weights_of(net["netcnnlip"]) == 7_177_920
    assert weights_of(net) == 13_631_616


RELEASED = {
    "netcnnaud.0.weight": (64, 1, 3, 3), "netcnnaud.4.weight": (192, 64, 3, 3),
    "netcnnaud.8.weight": (384, 192, 3, 3), "netcnnaud.11.weight": (256, 384, 3, 3),
    "netcnnaud.14.weight": (256, 256, 3, 3), "netcnnaud.18.weight": (512, 256, 5, 4),
    "netcnnaud.19.running_var": (512,), "netfcaud.0.weight": (512, 512), "netfcaud.3.weight": (1024, 512),
    "netfclip.1.running_mean": (512,), "netfclip.3.bias": (1024,),
    "netcnnlip.0.weight": (96, 3, 5, 7, 7), "netcnnlip.4.weight": (256, 96, 1, 5, 5),
    "netcnnlip.8.weight": (256, 256, 1, 3, 3), "netcnnlip.11.weight": (256, 256, 1, 3, 3),
    "netcnnlip.14.weight": (256, 256, 1, 3, 3), "netcnnlip.18.weight": (512, 256, 1, 6, 6),
    "netcnnlip.19.bias": (512,),
}  # fmt: skip


def test_layers_are_named_and_shaped_as_in_the_released_file(net: nn.ModuleDict) -> None:
    state = net.state_dict()
    assert {name: tuple(state[name].shape) for name in RELEASED} == RELEASED


def test_a_state_dict_of_2017_loads_and_another_is_refused(net: nn.ModuleDict) -> None:
    """Files of that time have no `num_batches_tracked`."""
    old = OrderedDict((n, w) for n, w in net.state_dict().items() if "num_batches" not in n)
    again = network.loaded(old)
    assert torch.equal(again["netcnnlip"][18].weight, net["netcnnlip"][18].weight)
    old.pop("netfclip.3.bias")
    with pytest.raises(WeightsError, match=r"not the weights of SyncNet.*netfclip\.3\.bias"):
        network.loaded(old)


def test_pictures_in_a_run_give_what_windows_one_by_one_give(net: nn.ModuleDict) -> None:
    faces = np.random.default_rng(0).integers(0, 256, (8, 224, 224, 3), np.uint8)
    seen = network.see(net, faces, 4)
    assert seen.shape == (4, 1024)
    with torch.inference_mode():
        window = torch.from_numpy(faces[2:7].transpose(3, 0, 1, 2)[None].astype(np.float32))
        alone = net["netfclip"](net["netcnnlip"](window).flatten(1))
    assert seen[2] == pytest.approx(alone[0].numpy(), abs=1e-4)


def test_sound_windows_begin_with_every_picture(net: nn.ModuleDict) -> None:
    cepstra = np.random.default_rng(1).normal(0, 10, (60, 13))
    heard = network.hear(net, cepstra, 11)
    assert heard.shape == (11, 1024)
    with torch.inference_mode():
        window = torch.from_numpy(cepstra[12:32].T[None, None].astype(np.float32))
        alone = net["netfcaud"](net["netcnnaud"](window).flatten(1))
    assert heard[3] == pytest.approx(alone[0].numpy(), abs=1e-4)


def test_pictures_of_112_pixels_are_rejected(net: nn.ModuleDict) -> None:
    with pytest.raises(RuntimeError):
        network.see(net, np.zeros((5, 112, 112, 3), np.uint8), 1)


@pytest.fixture(scope="module")
def detector() -> nn.ModuleDict:
    torch.manual_seed(8)
    return s3fd.detector()


S3FD_RELEASED = {
    "vgg.0.weight": (64, 3, 3, 3), "vgg.14.weight": (256, 256, 3, 3), "vgg.21.weight": (512, 512, 3, 3),
    "vgg.28.weight": (512, 512, 3, 3), "vgg.31.weight": (1024, 512, 3, 3),
    "vgg.33.weight": (1024, 1024, 1, 1),
    "L2Norm3_3.weight": (256,), "L2Norm4_3.weight": (512,), "L2Norm5_3.weight": (512,),
    "extras.0.weight": (256, 1024, 1, 1), "extras.1.weight": (512, 256, 3, 3),
    "extras.3.weight": (256, 128, 3, 3), "loc.0.weight": (4, 256, 3, 3), "loc.3.weight": (4, 1024, 3, 3),
    "conf.0.weight": (4, 256, 3, 3), "conf.5.weight": (2, 256, 3, 3),
}  # fmt: skip


def test_the_detector_has_the_released_layers(detector: nn.ModuleDict) -> None:
    state = detector.state_dict()
    assert {name: tuple(state[name].shape) for name in S3FD_RELEASED} == S3FD_RELEASED
    assert weights_of(detector) == 22_459_110
    assert s3fd.loaded(state)
    with pytest.raises(WeightsError, match="not the weights of S3FD"):
        s3fd.loaded({})


def test_squares_are_centred_in_their_cells() -> None:
    """A picture of 64 x 96: the finest level has a place every 4 pixels, the coarsest one."""
    grids = [(16, 24), (8, 12), (4, 6), (2, 3), (1, 2), (1, 1)]
    found = s3fd.squares(grids, 64, 96)
    assert len(found) == sum(rows * columns for rows, columns in grids)
    second = np.array([6 / 96, 2 / 64, 16 / 96, 16 / 64])
    assert found[1] == pytest.approx(second)
    assert found[-1] == pytest.approx([64 / 96, 64 / 64, 512 / 96, 512 / 64])


def test_a_box_is_its_square_where_the_net_shifts_nothing() -> None:
    squares = torch.tensor([[0.5, 0.5, 0.2, 0.4]])
    assert s3fd.boxes(torch.zeros(1, 4), squares)[0].tolist() == pytest.approx([0.4, 0.3, 0.6, 0.7])
    shifts = torch.tensor([[1.0, 0.0, 5 * np.log(2.0), 0.0]])
    moved = s3fd.boxes(shifts, squares)[0].tolist()
    assert moved == pytest.approx([0.32, 0.3, 0.72, 0.7]), "a tenth of its width right, twice as wide"


def test_the_surest_place_is_found_and_a_doubtful_one_is_not(detector: nn.ModuleDict) -> None:
    """A net that says no everywhere but at the coarsest level, whose one place it takes for a face."""
    net = s3fd.loaded(detector.state_dict())
    with torch.no_grad():
        for head in [*net["loc"], *net["conf"]]:
            head.weight.zero_()
            head.bias.zero_()
        for head in net["conf"]:
            head.bias[:-1] = 10.0
        net["conf"][5].bias[1] = 13.0
    picture = np.zeros((128, 256, 3), np.uint8)
    (box,) = s3fd.find(net, picture)
    assert box == pytest.approx([64 * 4 - 1024, 64 * 4 - 1024, 64 * 4 + 1024, 64 * 4 + 1024])
    with torch.no_grad():
        net["conf"][5].bias[1] = 12.0
    assert not len(s3fd.find(net, picture)), "a sureness of 0.88"
