"""The page "Draw a digit" makes the same inputs in JavaScript as the package does in Python."""

from __future__ import annotations

import base64
import json
import random
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter
from tokenizers import Tokenizer

import zoo
from zoo.transforms import Digit, Item, Learned, Photo, Row, Table, Text, Transform
from zoo.transforms.cells import Column

NODE = shutil.which("node")
pytestmark = pytest.mark.skipif(NODE is None, reason="needs node")


def in_node(kind: str, transform: Transform | None, given: list[Any], folder: Path) -> list[Any]:
    file = folder / "asked.json"
    file.write_text(
        json.dumps({"kind": kind, "transform": transform and transform.spec(), "given": given}), encoding="utf-8"
    )
    assert NODE
    subprocess.run([NODE, Path(__file__).parent / "in_node.mjs", file], check=True, timeout=600)
    return json.loads(file.read_text(encoding="utf-8"))


def random_picture(index: int, rng: np.random.Generator) -> Image.Image:
    """A few strokes of one color on another; some with noise, in a shadow, on ruled paper, symmetric or tiny."""
    width, height = (28, 28) if index % 10 == 0 else map(int, rng.integers(8, 320 if index % 8 == 0 else 110, 2))
    dark = rng.random() < 0.5
    inks, papers = ((160, 256), (0, 90)) if dark else ((0, 90), (160, 256))
    image = Image.new("RGB", (width, height), tuple(rng.integers(*papers, 3).tolist()))
    pen = ImageDraw.Draw(image)
    if index % 5 == 1:
        for y in range(int(rng.integers(4, 20)), height, int(rng.integers(12, 40))):
            pen.line([(0, y), (width, y + int(rng.integers(-3, 4)))], fill=(120, 130, 160))
    inset = int(rng.integers(0, 4))  # strokes at the border, or none there
    for _ in range(int(rng.integers(1, 4))):
        ends = rng.integers(inset, (max(inset + 1, width - inset), max(inset + 1, height - inset)), (4, 2))
        thick = int(rng.integers(1, max(2, min(width, height) // 8)))
        pen.line([*map(tuple, ends.tolist())], fill=tuple(rng.integers(*inks, 3).tolist()), width=thick)
    pixels = np.asarray(image).astype(float)
    if index % 5 == 2:
        pixels *= np.linspace(rng.uniform(0.4, 1), 1, width)[None, :, None]
    if index % 3 == 0:
        pixels += rng.integers(-9, 10, (height, width, 1))
    if index % 7 == 0:
        pixels = (np.maximum if dark else np.minimum)(pixels, pixels[:, ::-1])
    image = Image.fromarray(pixels.clip(0, 255).astype(np.uint8))
    return image.filter(ImageFilter.GaussianBlur(1)) if index % 4 == 0 else image


def as_sent(picture: Image.Image) -> dict[str, Any]:
    rgba = base64.b64encode(picture.convert("RGBA").tobytes()).decode()
    return {"width": picture.width, "height": picture.height, "rgba": rgba}


@pytest.mark.parametrize(
    ("transform", "count"),
    [
        (Digit(), 2000),
        (Digit(size=20, channels=3, padding=2), 100),
        (Item(padding=2), 200),
        (Photo(low=-1.0), 200),
        (Photo(size=40, padding=3, channels=1), 200),
    ],
    ids=["Digit", "Digit-small", "Item", "Photo", "Photo-gray"],
)
def test_pictures_become_the_same_inputs(transform: Transform, count: int, tmp_path: Path) -> None:
    step = (1 - transform.low) / 254 if isinstance(transform, Photo) else 1e-4  # which of two passes rounds a byte
    rng = np.random.default_rng(0)
    pictures = [random_picture(index, rng) for index in range(count)]
    answers = in_node("image", transform, [as_sent(picture) for picture in pictures], tmp_path)
    differ = []
    for index, (picture, answer) in enumerate(zip(pictures, answers, strict=True)):
        try:
            expected = transform(picture).flatten().numpy()
        except zoo.ZooError:
            assert answer is None
            continue
        found = np.frombuffer(base64.b64decode(answer), np.float32)
        if not np.allclose(found, expected, rtol=0, atol=step):
            differ.append((index, float(abs(found - expected).max())))
    assert not differ


COMMON = "the a of and to is was it film movie plot not good bad great dull worst best constructor __proto__ 10/10"
WORDS = [
    *COMMON.split(),
    *[
        "don't",
        "cliché",
        "ΣΟΦΟΣ",
        "İstanbul",
        "STRASSE",
        "ǅ",
        "naïve",
        "e\u0301t\u0301",
        "日本語",
        "한국",
        "👍🏽",
        "x\u200dy",
        "a_b",
    ],
    *[
        "<br /><br />",
        "[UNK]",
        "[PAD]",
        "[pad]",
        "\u0085",
        "\ufeff",
        "\u00a0",
        "\u2028",
        "\x1c",
        "...",
        "!?",
        "--",
        "'",
        '"',
        "$5",
        "½",
        "Ⅳ",
        "٣",
    ],
]


def random_texts(count: int, vocabulary: list[str]) -> list[str]:
    chance = random.Random(0)
    words, common = [*WORDS, *vocabulary[:2000]], vocabulary[:200]

    def text() -> str:
        length = int(chance.lognormvariate(3.5, 0.8)) + 1
        chosen = [*chance.choices(common, k=length // 2), *chance.choices(words, k=length)]
        chance.shuffle(chosen)
        styled = (chance.choice((str, str, str.title, str.upper))(word) for word in chosen)
        return "".join(word + chance.choice((" ", " ", " ", ", ", ". ", "", "\n")) for word in styled)

    return [text() for _ in range(count)]


@pytest.mark.parametrize("side", ["right", "left"])
def test_texts_become_the_same_ids(side: str, tmp_path: Path) -> None:
    tokenizer = Tokenizer.from_str(zoo.create_model("bilstm_sentiment", weights="imdb").transform.tokenizer)
    tokenizer.enable_truncation(256, direction=side)
    transform = Text(tokenizer.to_str())
    texts = random_texts(25_000 if side == "right" else 2_000, list(tokenizer.get_vocab()))
    answers = in_node("text", transform, texts, tmp_path)
    expected = [encoding.ids for encoding in tokenizer.encode_batch(texts)]
    assert [text for text, a, b in zip(texts, answers, expected, strict=True) if a != b] == []
    assert max(map(len, expected)) == 256


COLUMNS = (
    Column("age", mean=40, std=12.5, missing=38),
    Column("color", categories=("blue", "red", "déjà vu")),
    Column("member", categories=("False", "True"), missing="False"),
)
ROWS = [
    ["41", "red", "True"],
    [" 1e2 ", "déjà vu", "?"],
    ["", "blue", "NA"],
    ["41", "", "True"],
    ["41", "green", "True"],
    ["x", "red", "True"],
]


@pytest.mark.parametrize("classes", [(), ("no", "yes")])
def test_rows_of_a_table_become_the_same_inputs(classes: tuple[str, ...], tmp_path: Path) -> None:
    header = tuple(column.name for column in COLUMNS)
    transform = Table.of(Learned(COLUMNS, (*header, "bought"), "bought", classes))
    for answer, values in zip(in_node("table", transform, ROWS, tmp_path), ROWS, strict=True):
        try:
            assert answer == pytest.approx(transform(values).tolist())
        except zoo.ZooError:
            assert answer is None


def test_rows_of_numbers_become_the_same_inputs(tmp_path: Path) -> None:
    rows = [["0.5", "-1e3"], ["0", "x"], ["1", ""]]
    assert in_node("table", Row(2), rows, tmp_path) == [[0.5, -1000], None, None]


FOREIGN = "it was not written by zoo export --format onnx"


def entry(key: bytes, value: bytes) -> bytes:
    """One entry of the metadata of an ONNX file, as protobuf."""
    content = b"\x0a" + bytes([len(key)]) + key + b"\x12" + bytes([len(value)]) + value
    return b"\x72" + bytes([len(content)]) + content


GOOD = b"\x08\x08" + entry(b"zoo", b'{"output":"values","classes":[]}')


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not a network",
        bytes(range(256)),
        b"\x72" + b"\xff" * 6 + b"\x01abc",  # longer than the file, by far
        b"\x72" + b"\xff" * 200,  # a number that does not end
        b"\x72\x08\x0a" + b"\xff" * 6 + b"\x01",
        b"\x72\xff\xff",
        b"\x09abc",
        GOOD[:-1],
        entry(b"zoo", b"{"),
        entry(b"zoo", b"null"),
        entry(b"zoo", b"[]"),
        entry(b"zoo", b'{"output":"values"}'),
        entry(b"other", b"{}"),
    ],
    ids=range(14),
)
def test_a_malformed_file_is_refused(content: bytes, tmp_path: Path) -> None:
    assert in_node("file", None, [base64.b64encode(content).decode()], tmp_path) == [FOREIGN]


def test_the_metadata_of_a_file_is_found(tmp_path: Path) -> None:
    assert in_node("file", None, [base64.b64encode(GOOD).decode()], tmp_path) == [{"output": "values", "classes": []}]
