"""Splits, samplers, batches, and what is said of damaged files."""

from __future__ import annotations

import functools
import gzip
import hashlib
import http.server
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import TEST, TRAIN, write_idx, write_mnist
from lightning.pytorch import Trainer
from lightning.pytorch.trainer.states import TrainerState, TrainerStatus
from PIL import Image, ImageOps
from test_datasets import write_cifar

import zoo
from zoo.datamodules.common import DataUnavailableError, files
from zoo.datamodules.common.examples import Examples, Gathered, identity
from zoo.datamodules.common.files import offline_reason  # what it was before the tests cut the network off
from zoo.datamodules.common.loading import ResumableLoader
from zoo.datamodules.common.sampling import EpochSampler
from zoo.transforms import Digit, Item, Photo, Transform

SMALL = {"val_size": 51, "batch_size": 16}


def mnist(folder: Path) -> zoo.datamodules.MNIST:
    data = zoo.create_datamodule("mnist", root=str(folder.parents[1]), **SMALL)
    assert isinstance(data, zoo.datamodules.MNIST)
    return data


# Splits and batches


def test_the_validation_part_is_held_out_once_for_all_seeds(shared_root: Path) -> None:
    parts = []
    for seed in (0, 1):
        data = zoo.create_datamodule("mnist", root=str(shared_root), seed=seed, **SMALL)
        data.setup()
        assert [len(data.splits[split]) for split in ("train", "val", "test")] == [TRAIN - 51, 51, TEST]
        parts.append(data.splits["val"].tensors[0])
        everything = torch.cat([data.splits["train"].tensors[0], data.splits["val"].tensors[0]])
        whole, _ = data.load(train=True)
        assert sorted(map(hash, map(bytes, everything.flatten(1).tolist()))) == sorted(
            map(hash, map(bytes, whole.flatten(1).tolist()))
        )
    assert torch.equal(*parts)


def test_val_size_0_trains_on_everything_and_validates_on_the_test_set(shared_root: Path) -> None:
    data = zoo.create_datamodule("mnist", root=str(shared_root), val_size=0)
    data.setup()
    assert len(data.splits["train"]) == TRAIN
    assert data.splits["val"] is data.splits["test"]


@pytest.mark.parametrize("name", zoo.list_datamodules())
def test_val_size_is_a_number_or_a_share_for_every_data_set(name: str) -> None:
    data = zoo.create_datamodule(name, val_size=0.25)
    assert data.hparams["val_size"] == 0.25
    order, held_out = data.split(100)
    assert (len(order), len(held_out)) == (75, 25)
    assert torch.equal(held_out, zoo.create_datamodule(name, val_size=25).split(100)[1])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"batch_size": 0}, "batch_size must be at least 1, got 0"),
        ({"batch_size": -3}, "batch_size must be at least 1, got -3"),
        ({"val_size": -1}, "val_size must be at least 0"),
        ({"val_size": 1.0}, "below 1 if it is a fraction, got 1.0"),
        ({"val_size": float("nan")}, "below 1 if it is a fraction, got nan"),
        ({"val_size": 0.001}, f"val_size 0.001 of {TRAIN} examples is less than one"),
        ({"val_size": 0.999}, "leaves nothing to train on"),
        ({"val_size": TRAIN}, f"val_size {TRAIN} leaves nothing to train on: the training set has {TRAIN} examples"),
    ],
)
def test_sizes_that_make_no_sense(arguments: dict[str, int], message: str, shared_root: Path) -> None:
    with pytest.raises(zoo.ZooError, match=message):
        zoo.create_datamodule("mnist", root=str(shared_root), **arguments).setup()


def test_a_batch_is_bytes_gathered_and_floats_on_the_device(shared_root: Path) -> None:
    data = zoo.create_datamodule("mnist", root=str(shared_root), **SMALL)
    data.setup()
    data.trainer = Trainer(logger=False, accelerator="cpu")
    data.trainer.state.status = TrainerStatus.RUNNING
    x, y = next(iter(data.train_dataloader()))
    assert x.dtype == torch.uint8
    assert y.dtype == torch.int64
    scaled, same = data.on_after_batch_transfer((x, y), 0)
    assert scaled.dtype == torch.float32
    assert torch.equal(scaled, x.float() / 255)
    assert same is y
    data.trainer = Trainer(logger=False, accelerator="cpu", precision="64-true")
    assert data.on_after_batch_transfer((x, y), 0)[0].dtype == torch.float64


def test_the_last_smaller_batch_is_kept_and_every_example_seen_once(shared_root: Path) -> None:
    data = zoo.create_datamodule("mnist", root=str(shared_root), **SMALL)
    data.setup()
    sizes = [len(y) for _, y in data.train_dataloader()]
    assert sizes == [16] * 15 + [10]


def test_gathering_equals_indexing() -> None:
    x, y = torch.arange(40).reshape(10, 4), torch.arange(10)
    chosen = [7, 1, 1, 9]
    for got, expected in zip(Examples(x, y).batch(chosen), (x[chosen], y[chosen]), strict=True):
        assert torch.equal(got, expected)


def sampler(n: int, rank: int = 0, ranks: int = 1, shuffle: bool = True, seed: int = 0) -> EpochSampler:
    return EpochSampler(
        Examples(torch.arange(n), torch.arange(n)), batch_size=8, ranks=ranks, rank=rank, shuffle=shuffle, seed=seed
    )


def test_the_order_is_a_function_of_seed_and_epoch() -> None:
    def order(seed: int, epoch: int) -> list[int]:
        one = sampler(50, seed=seed)
        one.set_epoch(epoch)
        torch.manual_seed(torch.seed() % 1000)  # whatever the global state
        return list(one)

    assert order(0, 0) == order(0, 0)
    assert len({tuple(order(seed, epoch)) for seed in range(3) for epoch in range(3)}) == 9
    assert sorted(order(1, 2)) == list(range(50))


@pytest.mark.parametrize("ranks", [2, 3, 4])
def test_ranks_share_the_batch_that_one_process_would_see(ranks: int) -> None:
    n, batch = 50, 12
    whole = list(sampler(n))
    shares = [list(sampler(n, rank, ranks)) for rank in range(ranks)]
    assert (
        [len(sampler(n, rank, ranks)) for rank in range(ranks)]
        == [len(share) for share in shares]
        == [n // ranks] * ranks
    )
    for start in range(0, n - batch, batch):
        part = slice(start // ranks, (start + batch) // ranks)
        assert sorted(i for share in shares for i in share[part]) == sorted(whole[start : start + batch])


class Damaged(Examples):
    """Two examples, of which the second is not on disk."""

    def batch(self, indices: list[int]) -> tuple[torch.Tensor, torch.Tensor]:
        if 1 in indices:
            raise DataUnavailableError("zoo.errors.ZooError: the file: 2\n is missing")
        return super().batch(indices)


@pytest.mark.parametrize("workers", [0, 1])
def test_an_error_in_a_worker_is_the_error_itself(workers: int) -> None:
    examples = Damaged(torch.zeros(2, 3), torch.zeros(2))
    loader = iter(ResumableLoader(Gathered(examples), collate_fn=identity, num_workers=workers))
    assert len(next(loader)[0]) == 1
    with pytest.raises(DataUnavailableError) as raised:
        next(loader)
    assert str(raised.value) == "zoo.errors.ZooError: the file: 2\n is missing"


@pytest.mark.parametrize("ranks", [1, 2, 3, 4])
def test_evaluation_sees_every_example_once_on_any_number_of_ranks(ranks: int) -> None:
    shares = [sampler(101, rank, ranks, shuffle=False) for rank in range(ranks)]
    assert sorted(i for share in shares for i in share) == list(range(101))
    assert [len(share) for share in shares] == [len(list(share)) for share in shares]


@pytest.mark.parametrize(
    ("batch_size", "message"),
    [(15, "batch_size 15 is not divisible by the number of processes, 2"), (16, "1 examples, fewer than the 2")],
)
def test_what_ranks_cannot_share_is_refused(batch_size: int, message: str, shared_root: Path) -> None:
    class TwoRanks:
        global_rank, world_size = 0, 2
        state = TrainerState(status=TrainerStatus.RUNNING)

    data = zoo.create_datamodule("mnist", root=str(shared_root), batch_size=batch_size, val_size=1)
    data.setup()
    data.trainer = TwoRanks()  # type: ignore[assignment]
    with pytest.raises(zoo.ZooError, match=message):
        data.val_dataloader()


def test_another_test_split_leaves_the_data_module_as_it_was(shared_root: Path) -> None:
    data = zoo.create_datamodule("mnist", root=str(shared_root), **SMALL)
    data.setup()
    assert len(data.with_test_split("val").test_dataloader().dataset) == 51
    assert len(data.test_dataloader().dataset) == TEST


# MNIST's files

IMAGES, LABELS = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-7])


FAULTS: dict[str, tuple[Callable[[Path], object], str, str]] = {
    "images cut off": (lambda f: cut(f / IMAGES), IMAGES, "is damaged: 235993 bytes, expected 236000"),
    "labels cut off": (lambda f: cut(f / LABELS), LABELS, "is damaged"),
    "empty": (lambda f: (f / IMAGES).write_bytes(b""), IMAGES, "is not an IDX file"),
    "a web page": (lambda f: (f / LABELS).write_text("<html>404</html>"), LABELS, "is not an IDX file"),
    "swapped": (lambda f: (f / LABELS).replace(f / IMAGES), IMAGES, "is not an IDX file"),
    "fewer labels": (lambda f: write_idx(f / LABELS, torch.zeros(300)), LABELS, "has 301 images, but"),
    "other labels": (lambda f: write_idx(f / LABELS, torch.full((TRAIN,), 10)), LABELS, "the label 10"),
    "small images": (
        lambda f: write_idx(f / IMAGES, torch.zeros(TRAIN, 14, 28)),
        IMAGES,
        "images of 14×28, expected 28×28",
    ),
    "no images": (
        lambda f: (write_idx(f / IMAGES, torch.zeros(0, 28, 28)), write_idx(f / LABELS, torch.zeros(0))),
        IMAGES,
        "has no images",
    ),
    "too long": (lambda f: (f / IMAGES).write_bytes((f / IMAGES).read_bytes() + b"x"), IMAGES, "is damaged"),
    "missing": (lambda f: (f / IMAGES).unlink(), IMAGES, "is missing"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_damaged_files_are_named_in_one_line(fault: str, mnist_folder: Path) -> None:
    damage, file, message = FAULTS[fault]
    damage(mnist_folder)
    with pytest.raises(zoo.ZooError) as raised:
        mnist(mnist_folder).setup()
    assert message in str(raised.value)
    assert str(mnist_folder / file) in str(raised.value)
    assert "\n" not in str(raised.value)


def pack(folder: Path) -> None:
    for path in list(folder.iterdir()):
        path.with_name(path.name + ".gz").write_bytes(gzip.compress(path.read_bytes()))
        path.unlink()


def test_archives_alone_are_unpacked(mnist_folder: Path) -> None:
    before = {path.name: path.read_bytes() for path in mnist_folder.iterdir()}
    pack(mnist_folder)
    mnist(mnist_folder).prepare_data()
    assert {p.name: p.read_bytes() for p in mnist_folder.iterdir() if p.suffix != ".gz"} == before
    mnist(mnist_folder).setup()


@pytest.mark.parametrize("damage", [cut, lambda path: path.write_bytes(b""), lambda path: path.write_text("<html>")])
def test_a_damaged_archive_leaves_nothing_behind(damage: Callable[[Path], object], mnist_folder: Path) -> None:
    pack(mnist_folder)
    archive = mnist_folder / f"{IMAGES}.gz"
    good = archive.read_bytes()
    damage(archive)
    with pytest.raises(zoo.ZooError, match="is damaged") as raised:
        mnist(mnist_folder).prepare_data()
    assert str(archive) in str(raised.value)
    assert not (mnist_folder / IMAGES).exists()
    assert not list(mnist_folder.glob(".*"))
    archive.write_bytes(good)
    mnist(mnist_folder).prepare_data()
    mnist(mnist_folder).setup()


def test_absent_data_says_what_is_expected_where_and_the_ways_out(tmp_path: Path) -> None:
    with pytest.raises(zoo.ZooError) as raised:
        zoo.create_datamodule("mnist", root=str(tmp_path)).prepare_data()
    for part in (str(tmp_path / "MNIST" / "raw"), "the tests have no network", IMAGES, "--data.root"):
        assert part in str(raised.value)
    assert "digits" not in str(raised.value)  # a way out for training alone
    assert not list(tmp_path.iterdir())


def test_the_root_is_the_argument_else_the_environment_else_data(monkeypatch: pytest.MonkeyPatch) -> None:
    assert files.data_root("here") == Path("here")
    monkeypatch.setenv("ZOO_DATA", "there")
    assert files.data_root(None) == Path("there")
    monkeypatch.delenv("ZOO_DATA")
    assert files.data_root(None) == Path("data")


# The network, of which there is none: loopback stands in for it


def test_a_server_that_does_not_answer_is_given_up_in_time() -> None:
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(1)
        started = time.monotonic()
        reason = offline_reason([f"http://127.0.0.1:{deaf.getsockname()[1]}/"], seconds=0.5)
        assert reason
        assert time.monotonic() - started < 2


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """A web server on loopback, and the folder that it serves."""

    class Silent(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None: ...

    folder = tmp_path / "served"
    folder.mkdir()
    handler = functools.partial(Silent, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as httpd:
        threading.Thread(target=httpd.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{httpd.server_address[1]}/", folder
        httpd.shutdown()


def test_absent_data_is_downloaded_checked_and_unpacked(
    server: tuple[str, Path], mnist_folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    url, served = server
    pack(mnist_folder)
    resources = []
    for path in mnist_folder.iterdir():
        content = path.read_bytes()
        (served / path.name).write_bytes(content)
        resources.append((path.name, hashlib.md5(content).hexdigest()))
    monkeypatch.setattr("zoo.datamodules.mnist.offline_reason", offline_reason)
    monkeypatch.setattr(zoo.datamodules.MNIST.source, "mirrors", [f"{url}gone/", url])
    monkeypatch.setattr(zoo.datamodules.MNIST.source, "resources", resources)
    data = zoo.create_datamodule("mnist", root=str(tmp_path / "fresh"), **SMALL)
    data.prepare_data()
    data.setup()
    assert len(data.splits["test"]) == TEST
    assert not list((tmp_path / "fresh" / "MNIST" / "raw").glob(".*"))


def test_a_download_with_another_checksum_is_thrown_away(server: tuple[str, Path], tmp_path: Path) -> None:
    url, served = server
    (served / "file").write_bytes(b"not what was asked for")
    with pytest.raises(OSError, match="cannot download file"):
        files.download([f"{url}file"], tmp_path / "target" / "file", "0" * 32)
    assert not list((tmp_path / "target").iterdir())


# Digits


@pytest.mark.parametrize(("size", "channels"), [(28, 1), (32, 1), (32, 3), (16, 1)])
def test_digits_take_the_shape_that_is_asked_for(size: int, channels: int) -> None:
    data = zoo.create_datamodule("digits", image_size=size, channels=channels)
    data.setup()
    assert [len(data.splits[split]) for split in ("train", "val", "test")] == [1257, 180, 360]
    x, y = data.splits["train"].tensors
    assert x.shape[1:] == data.shape == (channels, size, size)
    assert x.dtype == torch.uint8
    assert int(x.max()) > 250
    assert int(x[..., 0, :].max()) == 0  # a margin, as in MNIST
    assert set(y.tolist()) == set(range(10))


@pytest.mark.parametrize("arguments", [{"image_size": 15}, {"channels": 0}])
def test_digits_of_no_size_are_refused(arguments: dict[str, int]) -> None:
    with pytest.raises(zoo.ZooError, match="must be at least"):
        zoo.create_datamodule("digits", **arguments)


# Pictures


def drawn(
    tmp_path: Path, name: str, ground: object, ink: object, mode: str = "RGB", size: tuple[int, int] = (90, 160)
) -> Path:
    picture = Image.new(mode, size, ground)
    picture.paste(ink, (40, 30, 50, 130))  # a one
    picture.save(tmp_path / name)
    return tmp_path / name


def digit(path: Path) -> torch.Tensor:
    transform = Digit()
    return transform(transform.read(str(path)))


def test_pictures_of_any_size_and_color_become_the_same_input(tmp_path: Path) -> None:
    light = digit(drawn(tmp_path, "a.png", "black", "white"))
    others = [
        drawn(tmp_path, "b.png", "white", "black"),
        drawn(tmp_path, "c.png", (250, 240, 230), (20, 20, 90)),
        drawn(tmp_path, "d.png", 255, 0, "L"),
        drawn(tmp_path, "e.png", (0, 0, 0, 0), (0, 0, 0, 255), "RGBA"),
        drawn(tmp_path, "f.png", "white", "black", size=(400, 200)),
    ]
    assert light.shape == (1, 28, 28)
    assert light.min() == 0
    assert light.max() == pytest.approx(1)
    rows = light[0].sum(1).nonzero()
    assert int(rows.max() - rows.min()) + 1 == 20  # of 28, as in MNIST
    for path in others:
        assert torch.allclose(digit(path), light, atol=0.02), path.name


def test_a_picture_is_turned_upright(tmp_path: Path) -> None:
    upright = drawn(tmp_path, "up.png", "white", "black")
    with Image.open(upright) as image:
        exif = image.getexif()
        exif[0x0112] = 6  # the camera was held sideways
        image.rotate(90, expand=True).save(tmp_path / "side.jpg", exif=exif, quality=100)
    assert torch.allclose(digit(upright), digit(tmp_path / "side.jpg"), atol=0.05)


def test_mnists_own_images_come_back(tmp_path: Path) -> None:
    digits = zoo.create_datamodule("digits", val_size=0)
    digits.setup()
    x, _ = digits.splits["test"].tensors
    for index in range(5):
        picture = Image.fromarray(x[index, 0].numpy())
        ImageOps.invert(picture.resize((112, 112))).save(tmp_path / "digit.png")
        got = digit(tmp_path / "digit.png")[0]
        overlap = torch.nn.functional.cosine_similarity(got.flatten(), (x[index, 0] / 255).flatten(), dim=0)
        assert overlap > 0.8


SEE_THROUGH = {
    "RGBA": lambda: drawn_on(Image.new("RGBA", (60, 60), (0, 0, 0, 0)), (200, 30, 30, 255)),
    "half RGBA": lambda: drawn_on(Image.new("RGBA", (60, 60), (0, 90, 0, 60)), (0, 0, 0, 200)),
    "LA": lambda: drawn_on(Image.new("LA", (60, 60), (0, 0)), (40, 255)),
    "P": lambda: with_transparent_color(drawn_on(Image.new("RGB", (60, 60), "black"), (200, 30, 30)).convert("P"), 0),
    "RGB": lambda: with_transparent_color(drawn_on(Image.new("RGB", (60, 60), "black"), (200, 30, 30)), (0, 0, 0)),
    "I;16": lambda: Image.fromarray(np.linspace(0, 65535, 3600).reshape(60, 60).astype(np.uint16)),
    "1": lambda: drawn_on(Image.new("1", (60, 60), 1), 0),
    "CMYK": lambda: drawn_on(Image.new("RGB", (60, 60), "white"), (20, 30, 200)).convert("CMYK"),
}


def drawn_on(picture: Image.Image, ink: object) -> Image.Image:
    picture.paste(ink, (20, 10, 28, 50))
    return picture


def with_transparent_color(picture: Image.Image, color: object) -> Image.Image:
    picture.info["transparency"] = color
    return picture


@pytest.mark.parametrize("transform", [Digit(), Item(), Photo(low=-1.0)])
@pytest.mark.parametrize("kind", SEE_THROUGH)
def test_a_picture_is_the_same_input_from_a_file_an_image_and_an_array(
    kind: str, transform: Transform, tmp_path: Path
) -> None:
    picture = SEE_THROUGH[kind]()
    path = tmp_path / f"picture.{'tif' if kind in ('I;16', 'CMYK') else 'png'}"
    picture.save(path)
    expected = transform(transform.read(str(path)))
    with Image.open(path) as opened:
        assert torch.equal(transform(opened), expected)
    assert torch.equal(transform(picture), expected)
    if kind in ("RGBA", "half RGBA", "LA"):
        assert torch.equal(transform(np.asarray(picture)), expected)


def test_arrays_of_pixels_are_one_picture_or_several() -> None:
    digits = zoo.create_datamodule("digits")
    digits.setup()
    model = zoo.create_model("slp")
    model.transform = digits.transform
    x, _ = digits.splits["test"].batch([0, 1, 2])
    gray = x[:, 0].numpy()
    expected = model.predict(x.float() / 255).values
    for several in (gray, [*gray], gray[..., None], np.repeat(gray[..., None], 3, axis=3)):
        assert torch.allclose(model.predict(several).values, expected)
    for one in (gray[1], gray[1][..., None], np.repeat(gray[1][..., None], 3, axis=2), gray[1].T.T):
        assert torch.allclose(model.predict(one).values, expected[1:2])


@pytest.mark.parametrize(
    "value",
    [np.zeros((28, 28)), np.zeros((28, 28), dtype=np.int64), np.zeros((0, 28), dtype=np.uint8), "a.png", 3, None, [3]],
)
def test_what_is_no_picture_of_pixels_is_one_line(value: object) -> None:
    model = zoo.create_model("slp")
    model.transform = Digit()
    with pytest.raises(zoo.ZooError) as raised:
        model.predict(value)
    assert "\n" not in str(raised.value)


def test_a_cut_picture_that_someone_else_opened_is_one_line(tmp_path: Path) -> None:
    content = drawn(tmp_path, "whole.png", "white", "black", size=(900, 900)).read_bytes()
    (tmp_path / "cut.png").write_bytes(content[: len(content) // 2])
    with Image.open(tmp_path / "cut.png") as opened, pytest.raises(zoo.ZooError, match="damaged"):
        Digit()(opened)


@pytest.mark.parametrize("kind", ["missing", "text", "empty", "cut", "folder", "blank"])
def test_what_is_no_picture_is_named(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "picture.png"
    match kind:
        case "text":
            path.write_text("a digit")
        case "empty":
            path.touch()
        case "cut":
            content = drawn(tmp_path, "whole.png", "white", "black", size=(900, 900)).read_bytes()
            path.write_bytes(content[: len(content) // 2])
        case "folder":
            path.mkdir()
        case "blank":
            Image.new("RGB", (30, 30), "white").save(path)
    with pytest.raises(zoo.ZooError) as raised:
        digit(path)
    assert ("is empty" if kind == "blank" else str(path)) in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("name", ["mnist", "fashion_mnist", "cifar10", "digits"])
def test_a_data_sets_own_picture_becomes_the_very_input_of_the_data_set(name: str, tmp_path: Path) -> None:
    write_mnist(tmp_path)
    if name == "fashion_mnist":
        (tmp_path / "MNIST").rename(tmp_path / "FashionMNIST")
    if name == "cifar10":
        write_cifar(tmp_path)
    root = {} if name == "digits" else {"root": str(tmp_path)}
    padding = {} if name == "digits" else {"padding": 2}
    data = zoo.create_datamodule(name, val_size=0, **root, **padding)
    data.setup()
    x, _ = data.splits["test"].tensors
    for stored, expected in zip(x[:10], data.scale(x[:10]), strict=True):
        picture = Image.fromarray(stored.permute(1, 2, 0).squeeze(2).numpy())
        assert torch.equal(data.transform(picture), expected)
