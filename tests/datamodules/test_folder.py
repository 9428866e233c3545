"""Pictures in a folder for each class."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from conftest import ON_UNIX, Command
from data_files import write_folder
from PIL import Image
from running import LAST, load

import zoo
from zoo.datamodules import Folder
from zoo.transforms import Photo

CPU = ("--trainer.accelerator", "cpu", "--trainer.enable_model_summary", "false", "--seed", "3")


def folder(root: Path, **arguments: object) -> Folder:
    data = zoo.create_datamodule("folder", root=str(root), image_size=16, **arguments)
    data.setup()
    assert isinstance(data, Folder)
    return data


def test_folders_are_classes_and_each_class_is_in_each_split(tmp_path: Path) -> None:
    data = folder(write_folder(tmp_path, {"cat": 20, "dog": 10}), val_size=0.25)
    assert data.classes == ("cat", "dog")
    assert {split: len(examples) for split, examples in data.splits.items()} == {"train": 18, "val": 6, "test": 6}
    for split, (cats, dogs) in {"train": (12, 6), "val": (4, 2), "test": (4, 2)}.items():
        x, y = data.splits[split].tensors
        assert torch.bincount(y).tolist() == [cats, dogs]
        assert x.shape[1:] == (3, 16, 16)
        assert ((x.float().mean((1, 2, 3)) > 140) == (y == 0)).all()  # cats are light


def test_a_division_of_the_users_own_is_kept(tmp_path: Path) -> None:
    for number, part in enumerate(("train", "val", "test")):
        write_folder(tmp_path / part, {"cat": 6 - number, "dog": 4})
    data = folder(tmp_path, channels=1)
    assert {split: len(examples) for split, examples in data.splits.items()} == {"train": 10, "val": 9, "test": 8}
    assert data.splits["train"].tensors[0].shape == (10, 1, 16, 16)
    assert folder(tmp_path, val_size=0).splits["val"] is not None
    shutil.rmtree(tmp_path / "val")
    assert {split: len(e) for split, e in folder(tmp_path, val_size=2).splits.items()} == {
        "train": 8,
        "val": 2,
        "test": 8,
    }


def test_what_does_not_fit_into_memory_is_streamed_with_the_same_result(tmp_path: Path, zoo_command: Command) -> None:
    write_folder(tmp_path / "pets")
    weights = []
    for number, memory in enumerate((2000, 0), start=1):
        words = ("fit", "cifar_cnn", "--data", "folder", "--data.root", "pets", "--data.memory", memory, *CPU)
        done = zoo_command(*words, "--trainer.max_epochs", 1, "--data.augment", "true", "--model.lr", 0.1)
        assert done.code == 0, done.err
        weights.append(load(Path("runs/cifar_cnn-folder", str(number)) / LAST)["state_dict"])
    assert all(torch.equal(value, weights[1][key]) for key, value in weights[0].items())
    streamed, kept = folder(tmp_path / "pets", memory=0), folder(tmp_path / "pets")
    assert (streamed.num_workers, kept.num_workers) == (2, 0)
    for split, examples in kept.splits.items():
        assert all(map(torch.equal, examples.tensors, streamed.splits[split].batch(list(range(len(examples))))))


@pytest.mark.parametrize("augment", ["RandAugment", "CutMix"])
def test_workers_augment_as_the_main_process_does(augment: str, tmp_path: Path) -> None:
    write_folder(tmp_path, {"cat": 20, "dog": 20})
    options = [{"num_workers": 0}, {}, {"memory": 0}]
    kinds = [folder(tmp_path, augment=augment, batch_size=8, **more) for more in options]
    plain = folder(tmp_path, batch_size=8).train_dataloader()
    for _ in range(2):
        epochs = [[*kind.train_dataloader()] for kind in kinds]
        for batches in zip(*epochs, strict=True):
            assert all(all(map(torch.equal, batches[0], others)) for others in batches[1:])
    assert kinds[1].num_workers == (2 if augment == "RandAugment" else 0)  # mixing costs the main process little
    assert not torch.equal(epochs[0][0][0], next(iter(plain))[0])


def test_what_is_left_out_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    write_folder(tmp_path)
    (tmp_path / "cat" / ".DS_Store").write_bytes(b"x")
    (tmp_path / "cat" / "notes.txt").write_text("x", encoding="utf-8")
    (tmp_path / "dog" / "more").mkdir()
    (tmp_path / ".hidden").mkdir()
    (tmp_path / "readme.md").write_text("x", encoding="utf-8")
    with caplog.at_level(logging.WARNING):
        data = folder(tmp_path)
    (told,) = caplog.messages
    assert "1 hidden" in told
    assert "1 not pictures by their names" in told
    assert "1 folders in a class folder" in told
    assert data.classes == ("cat", "dog")


@pytest.mark.parametrize(
    "suffix", ["mpg", "MPEG", "eps", "ps", "pdf", "wmf", "emf", "h5", "hdf", "grib", "bufr", "txt"]
)
def test_films_drawings_and_documents_are_no_pictures(
    suffix: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write_folder(tmp_path)
    (tmp_path / "cat" / f"other.{suffix}").write_bytes(b"x")
    with caplog.at_level(logging.WARNING):
        data = folder(tmp_path)
    assert sum(data.sizes.values()) == 24
    assert "1 not pictures by their names" in caplog.text


def test_no_program_draws_what_calls_itself_a_picture(tmp_path: Path) -> None:
    Image.new("RGB", (16, 16)).save(tmp_path / "x.eps")
    (tmp_path / "x.eps").rename(tmp_path / "x.png")
    with Image.open(tmp_path / "x.png") as opened:
        assert opened.format == "EPS"  # which Pillow lets Ghostscript run
    with pytest.raises(zoo.ZooError, match=r"x.png cannot be read as a picture: it is not one, or is damaged"):
        zoo.transforms.read_picture(tmp_path / "x.png")


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp", "bmp", "gif", "tiff", "ppm", "tga"])
def test_formats_of_pictures(suffix: str, tmp_path: Path) -> None:
    write_folder(tmp_path)
    Image.new("RGB", (20, 30), "red").save(tmp_path / "cat" / f"other.{suffix}")
    assert sum(folder(tmp_path).sizes.values()) == 25


def test_turned_gray_transparent_and_wide_pictures_are_read_as_they_look(tmp_path: Path) -> None:
    write_folder(tmp_path)
    turned = Image.new("RGB", (32, 16), "black")
    turned.paste("white", (0, 0, 16, 16))  # white on the left: on top once turned
    exif = Image.Exif()
    exif[0x0112] = 6
    turned.save(tmp_path / "cat" / "zz.jpg", exif=exif, quality=95)
    data = folder(tmp_path)
    paths = sorted((tmp_path / "cat").iterdir())
    seen = Photo(16).pixels(zoo.transforms.read_picture(paths[-1]))
    assert seen[:, :6].float().mean() > 200
    assert seen[:, -6:].float().mean() < 50
    assert any(torch.equal(seen, x) for split in data.splits.values() for x in split.tensors[0])


def only(*names: str) -> Callable[[Path], None]:
    def change(root: Path) -> None:
        for path in root.iterdir():
            if path.name not in names:
                shutil.rmtree(path)

    return change


def spoil(name: str, content: bytes) -> Callable[[Path], None]:
    return lambda root: (root / "cat" / name).write_bytes(content) and None  # type: ignore[return-value]


def empty(root: Path) -> None:
    (root / "bird").mkdir()


def upper(root: Path) -> None:
    shutil.copytree(root / "cat", root / "Cat")


def only_in_test(root: Path) -> None:
    write_folder(root / "train")
    write_folder(root / "test", {"cat": 2, "wolf": 2})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (only("cat"), "has only the class folder 'cat'; expected pictures in"),
        (only(), "has no class folders"),
        (empty, "bird has no pictures; add some, or remove the folder"),
        (upper, "has the class folders 'Cat' and 'cat', which differ only in case"),
        (spoil("00.png", b""), "00.png cannot be read as a picture"),
        (spoil("99.png", b"not a picture"), "99.png cannot be read as a picture"),
        (only_in_test, "wolf is a class that"),
        (shutil.rmtree, "is not a folder; give that of your pictures with --data.root"),
    ],
)
@pytest.mark.parametrize("memory", [0, 2000])
def test_bad_folders_are_one_line(
    change: Callable[[Path], None], message: str, memory: int, tmp_path: Path, zoo_command: Command
) -> None:
    change(write_folder(tmp_path / "pets"))
    words = ("fit", "cifar_cnn", "--data", "folder", "--data.root", "pets", "--data.memory", memory, *CPU)
    done = zoo_command(*words, "--trainer.max_epochs", 1)
    assert done.code == 2, done.out + done.err
    assert done.err.count("\n") == 1
    assert message in done.err
    assert not Path("runs", "cifar_cnn-folder", "1", "results.json").exists()


@ON_UNIX
def test_a_link_to_nothing_is_one_line(tmp_path: Path) -> None:
    (write_folder(tmp_path) / "cat" / "link.png").symlink_to(tmp_path / "nowhere.png")
    with pytest.raises(zoo.ZooError, match=r"link.png does not exist"):
        folder(tmp_path)


def test_a_huge_picture_is_one_line(tmp_path: Path) -> None:
    Image.new("1", (20_000, 10_000)).save(write_folder(tmp_path) / "dog" / "huge.png")
    with pytest.raises(zoo.ZooError, match=r"huge.png has more than .* pixels; resize it"):
        folder(tmp_path)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"channels": 2}, "channels 1 or 3, got 2"),
        ({"image_size": 0}, "image_size must be at least 1"),
        ({"test_size": 0}, "test_size must be above 0"),
        ({"test_size": 1.5}, "below 1 if it is a fraction, got 1.5"),
    ],
)
def test_arguments_that_make_no_sense(arguments: dict[str, int], message: str) -> None:
    with pytest.raises(zoo.ZooError, match=message):
        zoo.create_datamodule("folder", **arguments)


def test_a_run_on_a_folder_is_tested_asked_and_resumed(tmp_path: Path, zoo_command: Command) -> None:
    write_folder(tmp_path / "pets")
    words = ("fit", "digits_cnn", "--data", "folder", "--data.root", "pets", *CPU, "--model.lr", "0.1")
    done = zoo_command(*words, "--trainer.max_epochs", 2)
    assert done.code == 0, done.err
    assert "[1, 1, 32, 32]" not in done.err
    run = Path("runs/digits_cnn-folder/1")
    again = zoo_command("test", "--ckpt", run / LAST, "--trainer.accelerator", "cpu")
    assert again.code == 0, again.err
    assert "folder (17 train, 2 val, 5 test)" in again.out
    asked = zoo_command("predict", "--ckpt", run / LAST, "pets/dog/01.jpg")
    assert asked.out.split()[1] in ("cat", "dog")
    model = zoo.load_model(run / LAST)
    assert model.classes == ("cat", "dog")
    assert model.transform == Photo(32, channels=1)
    shutil.copytree("pets", "others")
    Path("others", "dog").rename(Path("others", "wolf"))
    other = zoo_command("test", "--ckpt", run / LAST, "--data.root", "others", "--trainer.accelerator", "cpu")
    assert (other.code, other.err.count("\n")) == (2, 1)
    assert "has learned the classes cat, dog, but the data has cat, wolf" in other.err
    longer = zoo_command(*words, "--trainer.max_epochs", 4, "--ckpt_path", "last")
    assert longer.code == 0, longer.err
    whole = zoo_command(*words, "--trainer.max_epochs", 4)
    assert whole.code == 0, whole.err
    one, other = (load(Path("runs/digits_cnn-folder", number) / LAST)["state_dict"] for number in "12")
    assert all(torch.equal(value, other[key]) for key, value in one.items())
