"""The network that comes with the course: its weights are those that were made, and as good as it is said."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from cs_utils import pretrained
from cs_utils.shapes import make_images


@pytest.fixture(scope="module")
def pictures():
    return make_images(150, size=64, seed=31, masks=True)


@pytest.mark.parametrize("weights", list(pretrained.CHECKSUMS))
def test_the_weights_know_the_shapes(weights, pictures):
    images, labels, _ = pictures
    net = pretrained.small_resnet(weights=weights)
    assert not net.training
    with torch.no_grad():
        right = net(pretrained.prepare(images)).argmax(1).numpy() == labels
    assert right.mean() >= 0.9
    assert (pretrained.WEIGHTS / f"{weights}.npz").stat().st_size < 2_000_000


def test_the_weights_that_were_told_where_point_to_the_shape_in_four_of_five_pictures(pictures):
    images, labels, masks = pictures
    net = pretrained.small_resnet(weights="shapes-pointed")
    with torch.no_grad():
        features = net.features(pretrained.prepare(images))
    maps = (features * net.head.weight.detach()[labels][..., None, None]).sum(1, keepdim=True)
    maps = torch.nn.functional.interpolate(maps, (64, 64), mode="bilinear")[:, 0]
    peaks = [np.unravel_index(found.argmax(), found.shape) for found in maps.numpy()]
    assert np.mean([mask[peak] for mask, peak in zip(masks, peaks, strict=True)]) >= 0.8


def test_another_number_of_classes_keeps_all_but_the_head():
    net, ten = (pretrained.small_resnet(classes, weights="shapes") for classes in (4, 10))
    assert net.head.weight.shape == (4, 96)
    assert torch.equal(net.stem.weight, ten.stem.weight)
    assert torch.equal(net.stage3[2].running_var, ten.stage3[2].running_var)


def test_a_file_that_was_changed_or_is_missing_is_refused(tmp_path, monkeypatch):
    content = (pretrained.WEIGHTS / "shapes.npz").read_bytes()
    monkeypatch.setattr(pretrained, "WEIGHTS", tmp_path)
    with pytest.raises(ValueError, match="missing"):
        pretrained.small_resnet(weights="shapes")
    (tmp_path / "shapes.npz").write_bytes(content[:-1])
    with pytest.raises(ValueError, match="not the file"):
        pretrained.small_resnet(weights="shapes")
    with pytest.raises(ValueError, match="no weights called 'imagenet'"):
        pretrained.small_resnet(weights="imagenet")


def test_what_is_packed_comes_back(tmp_path):
    net = pretrained.small_resnet(3)
    content, checksum = pretrained.packed(net)
    (tmp_path / "net.npz").write_bytes(content)
    stored = pretrained.unpacked(tmp_path / "net.npz", checksum)
    for name, tensor in net.state_dict().items():
        if tensor.ndim:
            torch.testing.assert_close(stored[name], tensor, rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("shape", [(2, 28, 28), (2, 28, 28, 1), (2, 40, 30, 3), (2, 64, 64, 3)])
def test_pictures_of_any_size_and_kind_are_prepared(shape):
    images = np.full(shape, 255, np.uint8)
    x = pretrained.prepare(images)
    assert x.shape == (2, 3, 64, 64) and x.dtype == torch.float32
    torch.testing.assert_close(x, torch.full_like(x, 2.0))


def test_how_much_is_trained_depends_on_the_machine_and_is_said(monkeypatch):
    for name in ("CS_UTILS_QUICK", "CS_UTILS_GRADING"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(pretrained, "device", lambda: torch.device("cpu"))
    assert "On a CPU: 500 pictures" in str(pretrained.transfer_settings())
    monkeypatch.setattr(pretrained, "device", lambda: torch.device("cuda"))
    assert pretrained.transfer_settings().train > 500
    monkeypatch.setenv("CS_UTILS_QUICK", "1")
    assert pretrained.transfer_settings().train < 100


def test_without_torchvision_there_is_a_line_and_no_error(monkeypatch, capsys):
    import sys

    monkeypatch.delenv("CS_UTILS_QUICK", raising=False)
    monkeypatch.setitem(sys.modules, "torchvision", None)
    monkeypatch.setitem(sys.modules, "torchvision.models", None)
    assert pretrained.imagenet_resnet18() is None
    assert "torchvision is not here" in capsys.readouterr().out
