"""Pictures, which become the input of a network."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import write_mnist
from data_files import write_cifar
from PIL import Image, ImageOps

import zoo
from zoo.transforms import Digit, Item, Photo, Transform
from zoo.transforms.ink import centering_offset, resize


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


@pytest.mark.parametrize("rows", [1, 5, 20, 35])
def test_a_column_is_resized_as_a_row_is(rows: int) -> None:
    for width in (1, 2, 4):
        pixels = torch.rand(1, 35, width, generator=torch.Generator().manual_seed(width))
        assert torch.allclose(resize(pixels, rows, 1), resize(pixels.mT, 1, rows).mT, atol=1e-6)


def test_a_thin_stroke_with_a_faint_tip_is_as_dark_as_it_was_drawn(tmp_path: Path) -> None:
    picture = Image.new("L", (280, 280), 255)
    picture.paste(0, (138, 60, 142, 240))
    picture.paste(190, (138, 50, 142, 60))
    assert Digit()(picture)[0].amax(1)[6:24].min() > 0.9  # 20 rows, of which the first has the tip


@pytest.mark.parametrize("shape", [(1, 50), (50, 1), (2, 40)])
def test_a_picture_may_be_as_thin_as_a_pixel(shape: tuple[int, int]) -> None:
    assert Digit()(np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)).shape == (1, 28, 28)


def test_symmetric_ink_is_not_placed_by_noise() -> None:
    generator = torch.Generator().manual_seed(0)
    for _ in range(300):
        half = torch.rand(int(torch.randint(1, 10, (), generator=generator)), generator=generator)
        middle = torch.rand(int(torch.randint(0, 2, (), generator=generator)), generator=generator)
        mass = torch.cat([half, middle, half.flip(0)])
        assert centering_offset(mass, 28) == round(14 - len(mass) / 2)


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
            path.write_text("a digit", encoding="utf-8")
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
