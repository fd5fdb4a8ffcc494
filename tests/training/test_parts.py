"""Schedule, parameter groups, augmentation and data: what must hold for every input."""

from __future__ import annotations

import inspect

import hypothesis.strategies as st
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from torch import nn

from cs_utils.training import Augment, augment, cutout, one_cycle, parameter_groups, random_crop, random_flip
from cs_utils.training.optimiser import nesterov_sgd
from cs_utils.training.pictures import pictures
from tests.training.small import spots

quickly = settings(max_examples=40, deadline=None)
CPU = torch.device("cpu")

# --- schedule ---------------------------------------------------------------------------------------------

LENGTHS = st.integers(1, 400)
PARTS = st.floats(0, 0.99)


@quickly
@given(LENGTHS, PARTS, st.floats(0.001, 0.9))
def test_the_rate_goes_up_once_and_down_once(steps, warmup, start):
    rates = [one_cycle(step, steps, warmup=warmup, start=start) for step in range(steps)]
    top = int(np.argmax(rates))
    assert all(0 < rate <= 1 for rate in rates)
    assert rates[top] == 1 and rates.count(1) == 1
    assert (np.diff(rates[: top + 1]) > 0).all() and (np.diff(rates[top:]) < 0).all()
    assert abs(top - warmup * steps) <= 1


@quickly
@given(LENGTHS, PARTS)
def test_the_rate_ends_near_0_on_a_straight_line(steps, warmup):
    rates = [one_cycle(step, steps, warmup=warmup) for step in range(steps)]
    assert one_cycle(steps, steps, warmup=warmup) == 0
    down = np.diff([*rates[int(np.argmax(rates)) :], 0.0])
    np.testing.assert_allclose(down, down[0], atol=1e-12)


# --- parameter groups -------------------------------------------------------------------------------------

LAYERS = st.sampled_from(
    [
        lambda: nn.Conv2d(3, 3, 3),
        lambda: nn.Conv2d(3, 3, 3, bias=False),
        lambda: nn.Linear(3, 3),
        lambda: nn.BatchNorm2d(3),
        lambda: nn.BatchNorm1d(3, affine=False),
        lambda: nn.GroupNorm(1, 3),
        lambda: nn.LayerNorm((3, 5, 5)),
        lambda: nn.InstanceNorm2d(3, affine=True),
        lambda: nn.Sequential(nn.Linear(2, 2), nn.LayerNorm((2, 2))),
        lambda: nn.ReLU(),
    ]
)


@quickly
@given(st.lists(LAYERS, min_size=1, max_size=6), st.data())
def test_every_trained_parameter_is_in_one_group_and_decays_only_when_it_is_a_weight(makers, data):
    model = nn.Sequential(*(make() for make in makers))
    for parameter in model.parameters():
        parameter.requires_grad_(data.draw(st.booleans()))
    groups = parameter_groups(model, 0.1)
    found = [id(parameter) for group in groups for parameter in group["params"]]
    assert sorted(found) == sorted(id(p) for p in model.parameters() if p.requires_grad)
    decayed = {id(p) for group in groups if group["weight_decay"] for p in group["params"]}
    weights = {
        id(module.weight)
        for module in model.modules()
        if isinstance(module, (nn.Conv2d, nn.Linear)) and module.weight.requires_grad
    }
    assert decayed == weights


def test_a_weight_that_two_layers_share_is_in_the_groups_once():
    first, second = nn.Linear(3, 3), nn.Linear(3, 3)
    second.weight = first.weight
    found = [p for group in parameter_groups(nn.Sequential(first, second), 0.1) for p in group["params"]]
    assert len(found) == 3


def test_a_model_with_nothing_to_train_is_refused():
    model = nn.Linear(2, 2).requires_grad_(False)
    with pytest.raises(ValueError, match="requires_grad"):
        nesterov_sgd(model, max_lr=0.1)


def test_one_step_of_nesterov_is_that_of_its_formula():
    layer = nn.Linear(1, 1, bias=False)
    before = layer.weight.item()
    optimiser = nesterov_sgd(layer, max_lr=0.1, momentum=0.9, weight_decay=0.5)
    layer.weight.grad = torch.tensor([[2.0]])
    optimiser.step()
    gradient = 2.0 + 0.5 * before
    assert layer.weight.item() == pytest.approx(before - 0.1 * (gradient + 0.9 * gradient))


# --- augmentation -----------------------------------------------------------------------------------------


@st.composite
def batches(draw):
    """Images in which every pixel is a number of its own, none of them 0."""
    shape = tuple(draw(st.integers(1, most)) for most in (5, 3, 9, 9))
    torch.manual_seed(draw(st.integers(0, 10**6)))
    x = torch.arange(1.0, 1 + np.prod(shape)).reshape(shape)
    return x.contiguous(memory_format=torch.channels_last) if draw(st.booleans()) else x


@quickly
@given(batches(), st.integers(0, 4))
def test_a_crop_is_the_picture_shifted_and_zeros(x, padding):
    out = random_crop(x, padding)
    assert out.shape == x.shape and out.dtype == x.dtype
    for picture, cropped in zip(x, out, strict=True):
        padded = nn.functional.pad(picture, (padding,) * 4)
        places = [(r, c) for r in range(2 * padding + 1) for c in range(2 * padding + 1)]
        height, width = picture.shape[1:]
        assert any(torch.equal(padded[:, r : r + height, c : c + width], cropped) for r, c in places)


@quickly
@given(batches())
def test_a_flip_is_the_picture_or_its_mirror_image(x):
    for picture, out in zip(x, random_flip(x), strict=True):
        assert torch.equal(out, picture) or torch.equal(out, picture.flip(2))


@quickly
@given(batches(), st.integers(1, 12))
def test_cutout_hides_one_whole_square_in_all_channels(x, size):
    for picture, out in zip(x, cutout(x, size), strict=True):
        hidden = out == 0
        height, width = picture.shape[1:]
        assert (hidden == hidden[0]).all()
        assert torch.equal(out[~hidden], picture[~hidden])
        rows, columns = hidden[0].any(1), hidden[0].any(0)
        assert rows.sum() == min(size, height) and columns.sum() == min(size, width)
        assert hidden[0].sum() == rows.sum() * columns.sum()
        for line in (rows, columns):
            places = line.nonzero().flatten()
            assert places[-1] - places[0] + 1 == len(places)


@quickly
@given(batches(), st.booleans(), st.integers(0, 3), st.integers(0, 3))
def test_augmentation_leaves_its_input_alone_and_the_seed_decides(x, flip, crop, size):
    before = x.clone()
    change = Augment(crop=crop, flip=flip, cutout=size)
    torch.manual_seed(3)
    once = change(x)
    torch.manual_seed(3)
    assert torch.equal(change(x), once)
    assert torch.equal(x, before)


def test_every_shift_and_both_sides_occur_equally_often():
    torch.manual_seed(0)
    count = 20_000
    dot = torch.zeros(count, 1, 5, 5)
    dot[:, :, 2, 2] = 1
    found = random_crop(dot, 2).sum((0, 1))
    assert found.sum() == count
    six_sigma = 6 * np.sqrt(count / 25)
    assert (found - count / 25).abs().max() < six_sigma
    left = torch.zeros(count, 1, 1, 2)
    left[..., 0] = 1
    assert abs(random_flip(left)[..., 0].sum() - count / 2) < 6 * np.sqrt(count / 4)


def test_augmentation_does_the_same_work_for_every_number_of_images():
    """No Python loop over images: as many operations for 2 as for 64."""
    from torch.utils._python_dispatch import TorchDispatchMode

    class Counter(TorchDispatchMode):
        calls = 0

        def __torch_dispatch__(self, function, types, args=(), kwargs=None):
            self.calls += 1
            return function(*args, **(kwargs or {}))

    def work(count):
        x = torch.zeros(count, 3, 8, 8)
        with Counter() as counter:
            Augment(crop=2, flip=True, cutout=4)(x)
        return counter.calls

    assert work(2) == work(64) < 60
    assert "for " not in "".join(inspect.getsource(f) for f in (augment.random_crop, augment.random_flip))


# --- data -------------------------------------------------------------------------------------------------


@quickly
@given(st.integers(1, 3), st.integers(0, 100))
def test_uint8_images_are_standardised_for_each_channel(channels, seed):
    images = np.random.default_rng(seed).integers(0, 256, (20, 6, 5, channels), dtype=np.uint8)
    data = pictures((images, np.arange(20)), CPU)
    x, y = data.batch(slice(None))
    expected = (images - images.mean((0, 1, 2))) / images.std((0, 1, 2))
    np.testing.assert_allclose(x.numpy(), expected.transpose(0, 3, 1, 2), atol=1e-4)
    assert y.dtype == torch.int64
    some, _ = data.batch(torch.tensor([3, 1]))
    assert torch.equal(some, x[[3, 1]])


def test_the_test_set_is_standardised_like_the_training_set_or_as_it_says_itself():
    train, test = pictures(spots(50), CPU), spots(20, seed=1)
    assert torch.equal(pictures(test, CPU, like=train).mean, train.mean)

    class Half:
        images, labels = test
        mean, std = np.array([0.5]), np.array([0.25])

    half = pictures(Half, CPU, like=train)
    x, _ = half.batch(slice(None))
    np.testing.assert_allclose(x[:, 0], (test[0][..., 0] / 255 - 0.5) / 0.25, atol=1e-4)


def test_shapes_of_uint8_images_are_told_apart():
    grey = pictures((np.zeros((4, 9, 7), np.uint8), np.zeros(4, int)), CPU)
    last = pictures((np.zeros((4, 9, 7, 3), np.uint8), np.zeros(4, int)), CPU)
    first = pictures((torch.zeros(4, 3, 9, 7, dtype=torch.uint8), torch.zeros(4, dtype=torch.int32)), CPU)
    assert [tuple(data.batch(slice(0, 2))[0].shape) for data in (grey, last, first)] == [
        *((2, 1, 9, 7), (2, 3, 9, 7), (2, 3, 9, 7))
    ]


def test_floats_are_taken_as_they_are_and_a_read_only_file_is_no_hindrance(tmp_path):
    np.save(tmp_path / "x.npy", spots(6)[0])
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    pictures((mapped, np.zeros(6, int)), CPU)
    x = torch.randn(6, 2, 3, 3)
    assert torch.equal(pictures((x, torch.zeros(6, dtype=torch.long)), CPU).batch(slice(None))[0], x)


@pytest.mark.parametrize(
    ("images", "labels", "sentence"),
    [
        (np.zeros((3, 4, 4), np.uint8), np.zeros(2, int), "one label each"),
        (np.zeros((0, 4, 4), np.uint8), np.zeros(0, int), "one label each"),
        (np.zeros((3, 4, 4), np.uint8), np.zeros(3), "class numbers"),
        (np.zeros((3, 9, 9, 9), np.uint8), np.zeros(3, int), "up to 4"),
        (np.zeros((3, 4, 4), np.int32), np.zeros(3, int), "uint8 or floats"),
    ],
)
def test_what_is_no_data_is_refused_in_words(images, labels, sentence):
    with pytest.raises(ValueError, match=sentence):
        pictures((images, labels), CPU)
