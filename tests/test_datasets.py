"""The data sets beside MNIST, in tiny files of their real formats."""

from __future__ import annotations

import gzip
import io
import pickle
import tarfile
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import Command, write_idx
from lightning.pytorch import Trainer
from PIL import Image
from torch import Tensor

import zoo
from zoo.datamodules.celeba import ATTRIBUTES
from zoo.datamodules.common.images import crop_and_flip, small_affine
from zoo.datamodules.common.texts import BucketSampler, Texts

# CIFAR-10


def write_cifar(root: Path, size: int = 20) -> Path:
    folder = root / "cifar-10-batches-py"
    folder.mkdir(parents=True)
    names = [(f"data_batch_{k}", f"training batch {k} of 5") for k in range(1, 6)] + [
        ("test_batch", "testing batch 1 of 1")
    ]
    for number, (name, label) in enumerate(names):
        images = np.random.default_rng(number).integers(0, 256, (size, 3072), np.uint8)
        labels = [i % 10 for i in range(size)]
        content = {b"batch_label": label.encode(), b"labels": labels, b"data": images, b"filenames": [b"x.png"] * size}
        (folder / name).write_bytes(pickle.dumps(content, protocol=2))
    return folder


def test_cifar10_is_read_into_one_tensor_and_scaled(tmp_path: Path) -> None:
    write_cifar(tmp_path)
    data = zoo.create_datamodule("cifar10", root=str(tmp_path), val_size=10)
    data.prepare_data()
    data.setup()
    x, y = data.splits["train"].batch(list(range(90)))
    assert x.shape == (90, 3, 32, 32)
    assert x.dtype == torch.uint8
    scaled = data.scale(x)
    assert scaled.min() == -1
    assert scaled.max() == 1
    assert set(y.tolist()) == set(range(10))


def repickled(path: Path, **changes: object) -> None:
    content = pickle.loads(path.read_bytes())
    content.update({key.encode(): value for key, value in changes.items()})
    path.write_bytes(pickle.dumps(content, protocol=2))


CIFAR_FAULTS = {
    "cut off": lambda f: (f / "data_batch_2").write_bytes((f / "data_batch_2").read_bytes()[:1000]),
    "swapped": lambda f: (f / "data_batch_2").write_bytes((f / "test_batch").read_bytes()),
    "missing": lambda f: (f / "data_batch_2").unlink(),
    "web page": lambda f: (f / "data_batch_2").write_text("<html>"),
    "fewer labels": lambda f: repickled(f / "data_batch_2", labels=[1, 2]),
    "labels out of range": lambda f: repickled(f / "data_batch_2", labels=[12] * 20),
    "other shape": lambda f: repickled(f / "data_batch_2", data=np.zeros((20, 3000), np.uint8)),
    "other type": lambda f: repickled(f / "data_batch_2", data=np.zeros((20, 3072), np.float32)),
}


@pytest.mark.parametrize("fault", CIFAR_FAULTS)
def test_damaged_cifar_batches_are_named(fault: str, tmp_path: Path) -> None:
    folder = write_cifar(tmp_path)
    CIFAR_FAULTS[fault](folder)
    with pytest.raises(zoo.ZooError) as raised:
        zoo.create_datamodule("cifar10", root=str(tmp_path), val_size=10).setup()
    assert str(folder / "data_batch_2") in str(raised.value)
    assert "\n" not in str(raised.value)


def pack(folder: Path, archive: Path) -> None:
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(folder, folder.name)


def test_the_cifar_archive_alone_is_unpacked(tmp_path: Path) -> None:
    folder = write_cifar(tmp_path / "made")
    pack(folder, tmp_path / "cifar-10-python.tar.gz")
    data = zoo.create_datamodule("cifar10", root=str(tmp_path), val_size=10)
    data.prepare_data()
    data.setup()
    assert len(data.splits["test"]) == 20


@pytest.mark.parametrize("kind", ["leaves the folder", "cut off", "no archive", "other content"])
def test_an_archive_that_is_not_right_leaves_nothing(kind: str, tmp_path: Path) -> None:
    archive = tmp_path / "root" / "cifar-10-python.tar.gz"
    archive.parent.mkdir()
    if kind == "leaves the folder":
        with tarfile.open(archive, "w:gz") as tar:
            member = tarfile.TarInfo("../escaped")
            member.size = 3
            tar.addfile(member, io.BytesIO(b"out"))
    elif kind == "no archive":
        archive.write_text("<html>")
    else:
        pack(write_cifar(tmp_path / "made") if kind == "cut off" else tmp_path / "root", archive)
        if kind == "cut off":
            archive.write_bytes(archive.read_bytes()[:5000])
    with pytest.raises(zoo.ZooError, match="nothing was unpacked") as raised:
        zoo.create_datamodule("cifar10", root=str(archive.parent)).prepare_data()
    assert str(archive) in str(raised.value)
    assert "\n" not in str(raised.value)
    assert list(archive.parent.iterdir()) == [archive]
    assert not (tmp_path / "escaped").exists()


# IMDB

GOOD, BAD = "a wonderful film , truly great", "a terrible film , truly bad"


def write_imdb(root: Path, size: int = 20) -> Path:
    for part in ("train", "test"):
        for folder, text in (("neg", BAD), ("pos", GOOD)):
            target = root / "aclImdb" / part / folder
            target.mkdir(parents=True)
            for number in range(size):
                words = "very " * number + text if part == "train" else text + " onlyintest"
                (target / f"{number}_5.txt").write_text(words, encoding="utf-8")
    return root / "aclImdb"


def imdb(root: Path, **arguments: int) -> zoo.datamodules.IMDB:
    settings = {"val_size": 8, "batch_size": 4, "min_frequency": 1, "vocab_size": 50, **arguments}
    data = zoo.create_datamodule("imdb", root=str(root), **settings)
    data.prepare_data()
    data.setup()
    return data


def test_reviews_become_padded_ids_of_the_training_words(tmp_path: Path) -> None:
    write_imdb(tmp_path)
    data = imdb(tmp_path)
    assert [len(data.splits[split]) for split in ("train", "val", "test")] == [32, 8, 40]
    ids, targets = data.splits["train"].batch([0, 5, 9])
    assert ids.shape[0] == 3
    assert ids.dtype == targets.dtype == torch.int64
    assert int(ids.max()) < 50
    known = data.transform("Wonderful<br />FILM")
    assert known.shape == (2,)
    assert 1 not in known  # lowercased, and the line break is gone
    assert data.transform("onlyintest").tolist() == [1]  # unknown: the test set teaches no words


def test_reviews_are_cut_and_bucketed(tmp_path: Path) -> None:
    write_imdb(tmp_path)
    data = imdb(tmp_path, max_length=10)
    assert max(data.splits["train"].lengths) == 10
    assert data.transform("word " * 100_000).shape == (10,)
    order = list(data.sampler(data.splits["train"], batch_size=4, shuffle=True))
    assert sorted(order) == list(range(32))


def test_a_pickle_of_reviews_is_of_their_size_and_the_same(tmp_path: Path) -> None:
    write_imdb(tmp_path, size=60)
    data = imdb(tmp_path)
    ids = sum(8 * int(split.lengths.sum()) for split in data.splits.values())
    pickled = pickle.dumps(data)
    assert len(pickled) < ids + 30 * 240 + 20_000  # and lengths, targets, ends, the vocabulary
    again = pickle.loads(pickled)
    for split, examples in data.splits.items():
        indices = list(range(len(examples)))
        assert all(map(torch.equal, again.splits[split].batch(indices), examples.batch(indices)))
    text, target = data.splits["train"][3]
    assert torch.equal(text, data.splits["train"].batch([3])[0][0])
    assert target.shape == ()


def test_reviews_are_predicted_in_their_own_order(tmp_path: Path) -> None:
    (write_imdb(tmp_path) / "test" / "neg" / "3_5.txt").write_text("a longer one than the others " * 3)
    data = imdb(tmp_path)
    model = zoo.create_model("bilstm_sentiment", vocab_size=50)
    trainer = Trainer(logger=False, accelerator="cpu", enable_progress_bar=False)
    predictions = torch.cat(trainer.predict(model, data))
    texts = data.splits["test"]
    assert sorted(texts.lengths.tolist()) != texts.lengths.tolist()  # which is not the order of their lengths
    assert torch.allclose(predictions, model.predict(texts.batch(list(range(len(texts))))[0]).values, atol=1e-6)


def test_batches_hold_reviews_of_like_length_and_differ_by_epoch() -> None:
    lengths = torch.randint(1, 200, (1003,), generator=torch.Generator().manual_seed(0))
    texts = Texts(torch.ones(int(lengths.sum()), dtype=torch.int64), lengths, torch.zeros(1003))
    sampler = BucketSampler(texts, batch_size=8, shuffle=True)
    orders = []
    for epoch in (0, 0, 1):
        sampler.set_epoch(epoch)
        orders.append(list(sampler))
    assert orders[0] == orders[1] != orders[2]
    assert sorted(orders[2]) == list(range(1003))
    spread = [int(lengths[b].max() - lengths[b].min()) for b in torch.tensor(orders[0][:1000]).split(8)]
    assert sum(spread) / len(spread) < 20  # of 200


def test_token_ids_are_kept_until_the_reviews_change(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_imdb(tmp_path)
    first = imdb(tmp_path)
    (kept,) = tmp_path.glob(".imdb-*.npz")
    kept.write_bytes(kept.read_bytes()[:200])
    second = imdb(tmp_path)  # made anew: the copy was damaged
    assert torch.equal(first.splits["train"].ids[3], second.splits["train"].ids[3])
    with monkeypatch.context() as patched:
        patched.setattr(zoo.datamodules.IMDB, "_tokenize", pytest.fail)
        assert imdb(tmp_path).transform(GOOD).tolist() == first.transform(GOOD).tolist()
    (folder / "train" / "neg" / "100_1.txt").write_text("one more, of a folder that was not complete")
    assert len(imdb(tmp_path).splits["train"]) == 33


def test_a_trained_networks_words_are_those_of_its_training(zoo_command: Command, tmp_path: Path) -> None:
    """Whatever is asked of the data: with other reviews held out, it would learn other words."""
    write_imdb(tmp_path)
    sizes = ("--data.root", tmp_path, "--data.val_size", 8, "--data.vocab_size", 12, "--data.min_frequency", 1)
    small = ("--model.embedding_dim", 8, "--model.hidden_dim", 8, "--trainer.max_epochs", 1)
    assert zoo_command("fit", "bilstm_sentiment", *sizes, *small).code == 0
    best = ("--ckpt", "runs/bilstm_sentiment-imdb/1/checkpoints/best.ckpt", "--data.root", tmp_path)
    held_out, nothing = zoo_command("test", *best), zoo_command("test", *best, "--data.val_size", 0)
    rows = [[line for line in done.out.splitlines() if line.startswith("test ")] for done in (held_out, nothing)]
    assert len(rows[0]) == 1
    assert rows[0] == rows[1]
    other = imdb(tmp_path, vocab_size=12, val_size=0)
    assert other.transform != zoo.load_model(best[1]).transform  # it would have learned these


def test_a_folder_in_the_place_of_a_review_is_named(tmp_path: Path) -> None:
    path = write_imdb(tmp_path) / "test" / "neg" / "x.txt"
    path.mkdir()
    with pytest.raises(zoo.ZooError, match=f"{path} cannot be read"):
        imdb(tmp_path)


@pytest.mark.parametrize(
    ("content", "message"), [(b"", "is empty"), (b"  \n", "is empty"), (b"\xff\xfe\x00bad", "is not UTF-8")]
)
def test_reviews_that_cannot_be_read_are_named(content: bytes, message: str, tmp_path: Path) -> None:
    path = write_imdb(tmp_path) / "train" / "pos" / "3_5.txt"
    path.write_bytes(content)
    with pytest.raises(zoo.ZooError, match=message) as raised:
        imdb(tmp_path)
    assert str(path) in str(raised.value)
    assert not list(tmp_path.glob(".imdb-*"))


def test_sentiment_from_training_to_raw_text(zoo_command: Command, tmp_path: Path) -> None:
    write_imdb(tmp_path / "data")
    small = ("--model.embedding_dim", 8, "--model.hidden_dim", 8, "--model.lr", 0.02, "--model.dropout", 0)
    sizes = ("--data.vocab_size", 50, "--data.val_size", 8, "--data.min_frequency", 1, "--data.batch_size", 8)
    root = ("--data.root", tmp_path / "data")
    done = zoo_command("fit", "bilstm_sentiment", *root, *small, *sizes, "--trainer.max_epochs", 8)
    assert done.code == 0, done.err
    best = "runs/bilstm_sentiment-imdb/1/checkpoints/best.ckpt"
    (tmp_path / "data").rename(tmp_path / "gone")  # the checkpoint alone knows the words
    Path("reviews.txt").write_text(f"{GOOD}\n\n{BAD}\n")
    Path("latin.txt").write_bytes("café".encode("latin-1"))
    done = zoo_command("predict", "--ckpt", best, GOOD, "reviews.txt", "latin.txt", "", "word " * 100_000)
    assert done.code == 2
    errors = done.err.splitlines()
    assert len(errors) == 3
    assert "reviews.txt, line 2 is empty" in errors[0]
    assert "latin.txt" in errors[1]
    assert "empty" in errors[2]
    answers = done.out.splitlines()
    assert "positive" in answers[0]
    assert "positive" in answers[1]
    assert "negative" in answers[2]
    assert all(len(line) < 100 for line in answers)


# CelebA


def write_celeba(root: Path, size: int = 30) -> Path:
    folder = root / "celeba"
    (folder / "img_align_celeba").mkdir(parents=True)
    random = np.random.default_rng(0)
    lines, parts = [str(size), " ".join(ATTRIBUTES.split())], []
    for number in range(1, size + 1):
        name = f"{number:06d}.jpg"
        Image.fromarray(random.integers(0, 256, (218, 178, 3), np.uint8)).save(folder / "img_align_celeba" / name)
        lines.append(f"{name}  " + " ".join(random.choice(["1", "-1"], 40)))
        parts.append(f"{name} {0 if number <= 16 else 1 if number <= 23 else 2}")
    (folder / "list_attr_celeba.txt").write_text("\n".join(lines) + "\n")
    (folder / "list_eval_partition.txt").write_text("\n".join(parts) + "\n")
    return folder


def test_celeba_is_decoded_and_resized(tmp_path: Path) -> None:
    write_celeba(tmp_path)
    data = zoo.create_datamodule("celeba", root=str(tmp_path), image_size=32, num_workers=0)
    data.prepare_data()
    data.setup()
    assert [len(data.splits[split]) for split in ("train", "val", "test")] == [16, 7, 7]
    x, y = data.splits["train"].batch([0, 3])
    assert (x.shape, x.dtype) == ((2, 3, 32, 32), torch.uint8)
    assert y.shape == (2, 40)
    assert set(y.flatten().tolist()) == {0, 1}


def test_a_cnn_learns_attributes_with_workers(zoo_command: Command, tmp_path: Path) -> None:
    write_celeba(tmp_path)
    options = ("--data", "celeba", "--data.root", tmp_path, "--data.image_size", 32, "--model.loss", "bce")
    done = zoo_command("fit", "cifar_cnn", *options, "--data.batch_size", 8, "--trainer.max_epochs", 1)
    assert done.code == 0, done.err
    picture = next((tmp_path / "celeba" / "img_align_celeba").iterdir())
    done = zoo_command("predict", "--ckpt", "runs/cifar_cnn-celeba/1/checkpoints/best.ckpt", picture)
    assert done.code == 0, done.err
    assert "Smiling 0." in done.out


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda f: (f / "img_align_celeba" / "000003.jpg").unlink(), "000003.jpg is missing"),
        (lambda f: (f / "list_eval_partition.txt").write_text("000001.jpg 0\n"), "does not assign 000002.jpg to split"),
        (
            lambda f: (f / "list_attr_celeba.txt").write_text("1\nnames\n000001.jpg 1 -1\n"),
            "line 3: 3 columns, expected 41",
        ),
        (lambda f: (f / "list_attr_celeba.txt").unlink(), "list_attr_celeba.txt is missing"),
        (lambda f: (f / "list_attr_celeba.txt").write_bytes(b"\xff\xfe"), "list_attr_celeba.txt is not UTF-8"),
        (lambda f: (f / "img_align_celeba").rename(f / "b") and (f / "img_align_celeba").touch(), "Not a directory"),
    ],
)
def test_a_celeba_folder_that_is_not_whole_is_told(damage: object, message: str, tmp_path: Path) -> None:
    damage(write_celeba(tmp_path))  # type: ignore[operator]
    data = zoo.create_datamodule("celeba", root=str(tmp_path))
    with pytest.raises(zoo.ZooError, match=message):
        data.prepare_data() or data.setup()  # type: ignore[func-returns-value]


# Fashion-MNIST, tables


def test_fashion_mnist_has_its_own_folder_and_classes(tmp_path: Path) -> None:
    folder = tmp_path / "FashionMNIST" / "raw"
    folder.mkdir(parents=True)
    for prefix in ("train", "t10k"):
        write_idx(folder / f"{prefix}-images-idx3-ubyte", torch.full((30, 28, 28), 9))
        write_idx(folder / f"{prefix}-labels-idx1-ubyte", torch.arange(30) % 10)
    packed = folder / "train-labels-idx1-ubyte"
    packed.with_name(f"{packed.name}.gz").write_bytes(gzip.compress(packed.read_bytes()))
    packed.unlink()
    data = zoo.create_datamodule("fashion_mnist", root=str(tmp_path), val_size=5, padding=2)
    data.prepare_data()
    data.setup()
    assert data.classes[9] == "Ankle boot"
    x, _ = data.splits["train"].batch([0])
    assert data.scale(x).shape == (1, *data.shape) == (1, 1, 32, 32)


def test_tables_are_as_documented() -> None:
    quadratic = zoo.create_datamodule("quadratic", noise=0.0)
    quadratic.setup()
    x, y = quadratic.splits["train"].batch(list(range(30)))
    assert torch.allclose(y, x @ torch.tensor([[2.0], [3.0]]))
    assert float(x[0, 0]) == 4
    function = zoo.create_datamodule("custom_function", a=3.0, b=0.5)
    function.setup()
    x, y = function.splits["test"].batch(list(range(100)))
    assert (x[:, 1] > 0).all()
    assert torch.allclose(y[:, 0], 3 * x[:, 0] * x[:, 1].log() + 0.5 * x[:, 1] ** 2)
    xor = zoo.create_datamodule("xor")
    xor.setup()
    x, y = xor.splits["train"].batch([0, 1, 2, 3])
    assert y.flatten().tolist() == [0, 1, 1, 0]


def test_rows_of_numbers_are_predicted(zoo_command: Command) -> None:
    assert zoo_command("fit", "linear", "--trainer.max_epochs", 3).code == 0
    Path("rows.csv").write_text("1,1\nnan,1\n")
    Path("empty.csv").touch()
    Path("folder").mkdir()
    last = "runs/linear-quadratic/1/checkpoints/last.ckpt"
    words = ("4,1", "-1,2", "1,2,3", "one,two", "rows.csv", "empty.csv", "none.csv", "folder")
    done = zoo_command("predict", "--ckpt", last, *words)
    assert done.code == 2
    assert len(done.out.splitlines()) == 3
    errors = [
        *("1,2,3", "neither a comma-separated row of numbers nor a file", "rows.csv, line 2: ", "empty.csv is empty"),
        *("none.csv is the name of a file that does not exist", "folder is a folder"),
    ]
    for part, line in zip(errors, done.err.splitlines(), strict=True):
        assert part in line
    done = zoo_command("predict", "--model", "custom_function", "--weights", "custom_function", "1,-1")
    assert done.code == 2
    assert "the network gives no finite number for it" in done.err


# Augmentation


@pytest.mark.parametrize("vary", [crop_and_flip, small_affine])
def test_augmentation_varies_each_image_on_its_own_and_keeps_the_rest(vary: object) -> None:
    torch.manual_seed(0)
    x = torch.zeros(64, 1, 28, 28)
    x[:, :, 8:20, 10:14] = 1
    varied: Tensor = vary(x, torch.rand(64, 4))  # type: ignore[operator]
    assert varied.shape == x.shape
    assert len({bytes(image.mul(255).byte().flatten().tolist()) for image in varied}) > 20
    assert 0.8 < float(varied.sum() / x.sum()) < 1.2  # what moves in is dark; little moves out


def test_augmentation_is_for_training_alone() -> None:
    data = zoo.create_datamodule("digits", augment=True)
    data.setup()
    data.trainer = Trainer(logger=False, accelerator="cpu")
    batch = data.splits["train"].batch([0, 1, 2])
    data.trainer.testing = True
    assert torch.equal(data.on_after_batch_transfer(batch, 0)[0], data.scale(batch[0]))
    data.trainer.training = True
    assert not torch.equal(data.on_after_batch_transfer(batch, 0)[0], data.scale(batch[0]))


# Pairs


@pytest.mark.parametrize(
    ("model", "options"),
    [
        ("mlp", ["--data.channels", "3", "--data.image_size", "32"]),
        ("cifar_cnn", ["--data.channels", "1", "--data.image_size", "28"]),
        ("lstm", ["--data.channels", "3"]),
        ("convnet", ["--data.image_size", "20"]),
        ("digits_cnn", ["--data.augment", "true"]),
    ],
)
def test_shapes_follow_the_data(model: str, options: list[str], zoo_command: Command) -> None:
    short = ("--trainer.max_epochs", 1, "--trainer.limit_train_batches", 3)
    assert zoo_command("fit", model, "--data", "digits", *options, *short).code == 0


@pytest.mark.parametrize(
    ("model", "data"), [("slp", "imdb"), ("linear", "mnist"), ("xor", "quadratic"), ("rnn", "xor"), ("ffnn", "celeba")]
)
def test_senseless_pairs_are_one_line_before_anything_is_loaded(model: str, data: str, zoo_command: Command) -> None:
    done = zoo_command("fit", model, "--data", data)
    assert (done.code, done.err.count("\n"), done.out) == (2, 1, "")
    assert f"{model!r} cannot be trained on {data!r}" in done.err
    assert "it can be trained on" in done.err


@pytest.mark.parametrize("name", [*zoo.list_models(), *zoo.list_datamodules()])
def test_describe_shows_the_card(name: str, zoo_command: Command) -> None:
    done = zoo_command("describe", name)
    assert done.code == 0
    assert "Source:" in done.out
    assert ("Parameters:" in done.out) == (name in zoo.list_models())
