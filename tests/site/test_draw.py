"""The page "Draw a digit", in Chromium: its networks say what they say in Python."""

from __future__ import annotations

import base64
import functools
import io
import itertools
import json
import runpy
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from browsing import browser, opened, served
from conftest import REPOSITORY
from PIL import Image, ImageFilter

import zoo
from zoo.registry import models
from zoo.sharing.formats import export
from zoo.transforms import Learned, Table
from zoo.transforms.cells import Column

DOCS = REPOSITORY / "docs"
sys.path.insert(0, str(DOCS / "draw"))

DIGITS = [name for name, row in models().items() if row.data == "mnist"]
STROKES = {  # on a board of 280 × 280
    "3": [
        (85, 70),
        (120, 45),
        (165, 45),
        (190, 75),
        (180, 110),
        (140, 130),
        (185, 150),
        (200, 190),
        (170, 230),
        (80, 210),
    ],
    "7": [(75, 60), (200, 60), (165, 140), (130, 230)],
}
REVIEWS = [
    "One of the best films I have ever seen.",
    "Cliché after cliché: a DULL, lifeless constructor of a plot<br /><br />10/10? It wasn't [UNK]\u0085good\ufeff!",
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import build

    if shutil.which("npm") is None and not list(build.CACHE.glob("*.tgz")):
        pytest.skip("needs npm")
    folder = tmp_path_factory.mktemp("draw")
    build.build(folder)
    return folder


def test_building_again_gives_the_same_files(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import build

    build.build(tmp_path / "again")
    files = [path.relative_to(folder) for path in sorted(folder.rglob("*")) if path.is_file()]
    for file in files:
        assert (tmp_path / "again" / file).read_bytes() == (folder / file).read_bytes(), file
    monkeypatch.setattr(build, "CACHE", tmp_path / "cache")  # a network is exported anew
    build.export_network("slp", tmp_path / "slp.onnx")
    assert (tmp_path / "slp.onnx").read_bytes() == (folder / "models" / "slp.onnx").read_bytes()
    assert {path.stem for path in (folder / "models").iterdir()} == {*zoo.list_models()}


def test_a_package_that_is_not_the_pinned_one_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import build

    monkeypatch.setattr(build, "CACHE", tmp_path)
    (tmp_path / "onnxruntime-web-1.30.0.tgz").write_bytes(b"something else")
    with pytest.raises(OSError, match="is not the package of onnxruntime-web"):
        build.build(tmp_path / "page")


def test_without_npm_the_site_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.syspath_prepend(DOCS)
    monkeypatch.setattr("draw.build.CACHE", tmp_path)
    for name in ("PATH", "ZOO_DATA"):  # the program sets the second
        monkeypatch.setenv(name, str(tmp_path))
    assert runpy.run_path(str(DOCS / "build.py"))["main"](tmp_path / "html", with_draw=True) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "install Node.js" in said
    assert "python docs/build.py --without-draw" in said


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    with browser() as chromium:
        yield chromium


@pytest.fixture(scope="module")
def address(folder: Path) -> Iterator[str]:
    with served(folder) as address:
        yield address


@pytest.fixture
def page(address: str, chromium: Any) -> Iterator[Any]:
    with opened(chromium, f"{address}/index.html", viewport={"width": 1280, "height": 900}) as page:
        page.wait_for_function("document.querySelector('zoo-draw').ready")
        yield page


published = functools.cache(functools.partial(zoo.create_model, weights="default"))


def draw(page: Any, points: list[tuple[int, int]], board: str = "zoo-draw .board canvas") -> None:
    page.locator(board).scroll_into_view_if_needed()
    box = page.locator(board).bounding_box()
    for index, (x, y) in enumerate(points):
        page.mouse.move(box["x"] + x * box["width"] / 280, box["y"] + y * box["width"] / 280, steps=5 if index else 1)
        if not index:
            page.mouse.down()
    page.mouse.up()


def on_board(page: Any, element: str = "zoo-draw") -> Image.Image:
    url = page.evaluate(f"document.querySelector('{element}').board.canvas.toDataURL()")
    return Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2]))).convert("RGB")


def said_by_all(page: Any) -> dict[str, list[float]]:
    page.wait_for_function(f"document.querySelector('zoo-draw').networks.size === {len(DIGITS)}")
    return page.evaluate(
        "(async (e) => { await e.answer(e.board.picture); return e.said; })(document.querySelector('zoo-draw'))"
    )


def check_digits(said: dict[str, list[float]], picture: Image.Image) -> None:
    assert [*said] == DIGITS
    for name, values in said.items():
        assert values == pytest.approx(published(name).predict(picture).values[0].tolist(), abs=1e-3)


@pytest.mark.parametrize("digit", STROKES)
def test_a_drawn_digit_is_read_as_python_reads_it(digit: str, page: Any) -> None:
    draw(page, STROKES[digit])
    said = said_by_all(page)
    check_digits(said, on_board(page))
    assert page.locator("zoo-draw .verdict b").inner_text() == digit
    assert page.locator("zoo-draw .said output").all_inner_texts().count(digit) > len(DIGITS) / 2
    page.wait_for_function(f"document.querySelector('zoo-draw').spoken.node.textContent.startsWith('{digit}, ')")


def test_nothing_is_loaded_before_it_is_needed(page: Any) -> None:
    page.wait_for_load_state("networkidle")
    heavy = [url for url in page.requests if url.endswith((".onnx", ".gz", ".mjs"))]
    assert heavy == []
    assert page.locator("zoo-draw .verdict b").inner_text() == "4"  # answered beforehand
    page.get_by_label("A 7 from").click()
    check_digits(said_by_all(page), mnist_digit(7))
    loaded = {url.rpartition("/")[2].removesuffix(".onnx") for url in page.requests if url.endswith(".onnx")}
    assert loaded == {*DIGITS}


def mnist_digit(index: int) -> Image.Image:
    digits = json.loads((DOCS / "draw" / "digits.json").read_text(encoding="utf-8"))
    return Image.fromarray(np.frombuffer(base64.b64decode(digits[index]["pixels"]), np.uint8).reshape(28, 28))


def test_a_photo_is_read_as_python_reads_it(page: Any, tmp_path: Path) -> None:
    seven = np.asarray(mnist_digit(7).resize((300, 300)).filter(ImageFilter.GaussianBlur(2)), float)
    lit = np.linspace(120, 230, 400)[None, :].repeat(340, 0)
    lit[20:320, 50:350] *= 1 - 0.8 * seven / 255
    Image.fromarray(lit.astype(np.uint8)).save(tmp_path / "photo.png")
    page.locator("zoo-draw input[type=file]").set_input_files(tmp_path / "photo.png")
    with Image.open(tmp_path / "photo.png") as picture:
        check_digits(said_by_all(page), picture)
    assert page.locator("zoo-draw .verdict b").inner_text() == "7"


def test_the_keyboard_draws_and_clears(page: Any) -> None:
    page.locator("zoo-draw .board canvas").focus()
    for key in ["ArrowUp", " ", *["ArrowDown"] * 10, " "]:
        page.keyboard.press(key)
    assert page.locator("zoo-draw .ring").evaluate("(ring) => getComputedStyle(ring).opacity") == "0.8"
    said = said_by_all(page)
    assert on_board(page).getbbox() is not None
    check_digits(said, on_board(page))
    page.keyboard.press("Delete")
    page.wait_for_function("document.querySelector('zoo-draw').verdict.textContent === 'Draw a digit.'")
    assert on_board(page).getbbox() is None
    page.keyboard.press("Tab")
    assert page.evaluate("document.querySelector('zoo-draw').shadowRoot.activeElement.textContent") == "Clear"


def state(page: Any, element: str, expected: str) -> None:
    """Wait until an element tells its state so."""
    page.wait_for_function(
        "([e, text]) => document.querySelector(e).state.textContent === text", arg=[element, expected]
    )


def blank(path: Path) -> Path:
    Image.new("RGB", (90, 90), "white").save(path)
    return path


def test_what_went_wrong_is_told_until_it_is_right(page: Any, tmp_path: Path) -> None:
    (tmp_path / "x.png").write_bytes(b"nothing")
    page.get_by_label("A 7 from").click()
    said_by_all(page)
    page.locator("zoo-draw input[type=file]").set_input_files(tmp_path / "x.png")
    state(page, "zoo-draw", "x.png is not a picture")
    page.get_by_role("button", name="Clear").click()
    state(page, "zoo-draw", "ready, in your browser")
    assert page.locator("zoo-draw .verdict").inner_text() == "Draw a digit."
    page.locator("zoo-draw input[type=file]").set_input_files(blank(tmp_path / "blank.png"))
    page.get_by_text("Nothing to read on this picture.").wait_for()
    assert page.locator("zoo-draw .said output").all_inner_texts() == [""] * len(DIGITS)


def test_a_form_forgets_a_mistake(folder: Path, page: Any, tmp_path: Path) -> None:
    idle = drop(page, "digits_cnn.onnx", (folder / "models" / "digits_cnn.onnx").read_bytes())
    (tmp_path / "x.png").write_bytes(b"nothing")
    chosen = page.locator(f"{OWN} .tools input")
    for file, said in (
        (tmp_path / "x.png", "x.png is not a picture"),
        (blank(tmp_path / "blank.png"), "Nothing to read on this picture."),
    ):
        chosen.set_input_files(file)
        state(page, OWN, said)
        page.locator(f"{OWN} .tools").get_by_role("button", name="Clear").click()
        state(page, OWN, idle)


def test_old_answers_do_not_stand_beside_a_new_drawing(address: str, chromium: Any) -> None:
    context = chromium.new_context()
    page = context.new_page()
    held: list[Any] = []
    page.route("**/ort.wasm.gz", lambda route: held.append(route))  # Playwright marks its handlers
    page.goto(f"{address}/index.html")
    page.wait_for_function("document.querySelector('zoo-draw').ready")
    page.get_by_label("A 7 from").click()
    page.get_by_text("Loading the networks …").wait_for()
    assert page.locator("zoo-draw .said output").all_inner_texts() == [""] * len(DIGITS)
    held[0].fulfill(status=404)
    page.get_by_text("No network is loaded.").wait_for()
    assert "Loading failed: ort.wasm.gz is not there" in page.locator("zoo-draw .state").inner_text()
    page.get_by_role("button", name="Clear").click()
    page.locator("zoo-draw .verdict").get_by_text("Draw a digit.").wait_for()
    context.close()


def test_a_file_that_is_dropped_beside_an_element_does_not_open(page: Any) -> None:
    kept = page.evaluate(
        """() => ["dragover", "drop"].map((kind) => {
            const dataTransfer = new DataTransfer();
            dataTransfer.items.add(new File(["x"], "x.png"));
            return !document.body.dispatchEvent(new DragEvent(kind, { dataTransfer, bubbles: true, cancelable: true }));
        })"""
    )
    assert kept == [True, True]


def test_keys_of_the_browser_are_not_the_boards(page: Any) -> None:
    draw(page, STROKES["7"])
    page.locator("zoo-draw .board canvas").focus()
    before = on_board(page)
    for key in ("Control+Delete", "Alt+Backspace", "Meta+Delete"):
        page.keyboard.press(key)
    assert on_board(page) == before


def test_reviews_are_read_as_python_reads_them(page: Any) -> None:
    model = published("bilstm_sentiment")
    for text in REVIEWS:
        page.locator("zoo-try[network] textarea").fill(text)
        values = answer(page, "zoo-try[network]")
        labels, expected = model.predict(text)
        assert values == pytest.approx(expected[0].tolist(), abs=1e-3)
        assert page.locator("zoo-try[network] .best span").inner_text() == labels[0]


def answer(page: Any, element: str) -> list[float]:
    """Return what a form was answered last."""
    page.wait_for_function(
        f"document.querySelector('{element}').predict?.idle && document.querySelector('{element}').said"
    )
    return page.evaluate(f"document.querySelector('{element}').said")


OWN = "zoo-try:not([network])"


def drop(page: Any, name: str, content: bytes) -> str:
    """Drop a file, and return what the page says about it."""
    transfer = page.evaluate_handle(
        """([name, text]) => {
            const transfer = new DataTransfer();
            transfer.items.add(new File([Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0))], name));
            return transfer;
        }""",
        [name, base64.b64encode(content).decode()],
    )
    page.locator(f"{OWN} .zone").dispatch_event("drop", {"dataTransfer": transfer})
    page.wait_for_function(f"document.querySelector('{OWN}').loaded === '{name}'")
    return page.locator(f"{OWN} .state").inner_text()


@pytest.mark.parametrize("name", ["digits_cnn", "ffnn", "cifar_cnn"])
def test_a_dropped_network_of_pictures_answers(name: str, folder: Path, page: Any, tmp_path: Path) -> None:
    model = published(name)
    assert f"{name}, 10 classes" in drop(page, f"{name}.onnx", (folder / "models" / f"{name}.onnx").read_bytes())
    if name == "cifar_cnn":
        pixels = np.random.default_rng(0).integers(0, 256, (6, 9, 3)).astype(np.uint8)
        Image.fromarray(pixels).resize((120, 80)).save(tmp_path / "photo.png")
        page.locator(f"{OWN} .tools input").set_input_files(tmp_path / "photo.png")
        with Image.open(tmp_path / "photo.png") as opened_picture:
            picture = opened_picture.copy()
    else:
        draw(page, STROKES["7"], f"{OWN} .board canvas")
        picture = on_board(page, OWN)
    labels, values = model.predict(picture)
    assert answer(page, OWN) == pytest.approx(values[0].tolist(), abs=1e-3)
    assert page.locator(f"{OWN} .best span").inner_text() == labels[0]


@pytest.mark.parametrize("name", ["xor", "linear", "custom_function"])
def test_a_dropped_network_of_rows_answers(name: str, folder: Path, page: Any) -> None:
    drop(page, f"{name}.onnx", (folder / "models" / f"{name}.onnx").read_bytes())
    for row in ([1, 0.5], [0, 3]):
        for field, value in zip(page.locator(f"{OWN} input[type=text]").all(), row, strict=True):
            field.fill(str(value))
        expected = published(name).predict(row).values[0].tolist()
        assert answer(page, OWN) == pytest.approx(expected, abs=1e-3)


@pytest.mark.parametrize("name", ["xor", "linear", "custom_function"])
def test_a_network_of_rows_answers_to_what_its_form_begins_with(name: str, folder: Path, page: Any) -> None:
    drop(page, f"{name}.onnx", (folder / "models" / f"{name}.onnx").read_bytes())
    page.get_by_role("button", name="Answer").click()
    assert answer(page, OWN) == pytest.approx(published(name).predict([1, 1]).values[0].tolist(), abs=1e-3)


def test_an_answer_that_is_no_number_is_told_in_words(folder: Path, page: Any) -> None:
    drop(page, "custom_function.onnx", (folder / "models" / "custom_function.onnx").read_bytes())
    page.get_by_label("x2").fill("-1")
    state(page, OWN, "The answer is not a number: the network has none for this input.")
    assert page.locator(f"{OWN} .answer").is_hidden()


@pytest.mark.parametrize(("row", "label"), [((1, 1), "0"), ((0, 1), "1")])
def test_one_sigmoid_says_the_class_of_its_side_of_one_half(
    row: tuple[int, int], label: str, folder: Path, page: Any
) -> None:
    drop(page, "xor.onnx", (folder / "models" / "xor.onnx").read_bytes())
    for field, value in zip(page.locator(f"{OWN} input[type=text]").all(), row, strict=True):
        field.fill(str(value))
    page.wait_for_function(f"document.querySelector('{OWN}').spoken.node.textContent === '{label}, 100.0%'")
    assert page.locator(f"{OWN} .best span").all_inner_texts() == [label]
    assert page.locator(f"{OWN} .line b").all_inner_texts() == (
        ["100.0%", "0.0%"] if label == "0" else ["0.0%", "100.0%"]
    )


def test_a_dropped_network_of_a_table_answers_by_the_names_of_its_columns(page: Any, tmp_path: Path) -> None:
    columns = (Column("age", mean=40, std=12.5, missing=38), Column("color", categories=("blue", "red", "dé")))
    model = zoo.create_model("linear", in_dim=5)
    model.transform = Table.of(Learned(columns, ("age", "color", "price"), "price", ()))
    export("linear", model, "onnx", tmp_path / "prices.onnx")
    drop(page, "prices.onnx", (tmp_path / "prices.onnx").read_bytes())
    for age, color in itertools.product(("41", "?"), ("red", "dé")):
        page.get_by_label("color").select_option(color)
        page.get_by_label("age").fill(age)
        assert answer(page, OWN) == pytest.approx(model.predict([age, color]).values[0].tolist(), abs=1e-3)
    page.get_by_label("age").fill("old")
    page.wait_for_function(
        f"document.querySelector('{OWN}').state.textContent === 'age: expected a number, got \"old\"'"
    )
    page.get_by_label("age").fill("41")
    page.wait_for_function(f"document.querySelector('{OWN}').state.textContent.startsWith('prices.onnx, ')")


def test_a_dropped_network_of_texts_answers(folder: Path, page: Any) -> None:
    drop(page, "reviews.onnx", (folder / "models" / "bilstm_sentiment.onnx").read_bytes())
    page.locator(f"{OWN} textarea").fill(REVIEWS[1])
    expected = published("bilstm_sentiment").predict(REVIEWS[1]).values[0].tolist()
    assert answer(page, OWN) == pytest.approx(expected, abs=1e-3)


@pytest.mark.parametrize("content", [b"", b"\x08\x07" * 40, b"\x72" + b"\xff" * 6 + b"\x01abc"], ids=range(3))
def test_a_dropped_file_of_another_kind_is_refused_in_one_line(content: bytes, page: Any) -> None:
    said = drop(page, "other.onnx", content)
    assert said.startswith("other.onnx cannot be used: ")
    assert "\n" not in said


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_a_phone_in_light_and_dark(scheme: str, address: str, chromium: Any) -> None:
    phone = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True, "color_scheme": scheme}
    with opened(chromium, f"{address}/index.html", **phone) as page:
        page.wait_for_function("document.querySelector('zoo-draw').ready")
        board = page.locator("zoo-draw .board").bounding_box()
        page.locator("zoo-draw .board canvas").tap()
        said_by_all(page)
        assert on_board(page).getbbox() is not None
        assert page.locator("zoo-draw .board").bounding_box() == board  # what is said does not move it
        assert page.evaluate("document.documentElement.scrollWidth") == 390
        ink = page.locator("zoo-draw .verdict").evaluate("(node) => getComputedStyle(node).color")
        assert (sum(map(int, ink[4:-1].split(","))) > 380) == (scheme == "dark")


def test_one_file_opens_without_a_server(folder: Path, chromium: Any, tmp_path: Path) -> None:
    shutil.copyfile(folder / "draw-a-digit.html", tmp_path / "draw.html")
    with opened(chromium, (tmp_path / "draw.html").as_uri()) as page:
        page.wait_for_function("document.querySelector('zoo-draw')?.ready")
        draw(page, STROKES["7"])
        check_digits(said_by_all(page), on_board(page))
        page.locator("zoo-try[network] textarea").fill(REVIEWS[0])
        expected = published("bilstm_sentiment").predict(REVIEWS[0]).values[0].tolist()
        assert answer(page, "zoo-try[network]") == pytest.approx(expected, abs=1e-3)


def test_everything_has_a_name_for_a_screen_reader(folder: Path, page: Any) -> None:
    drop(page, "xor.onnx", (folder / "models" / "xor.onnx").read_bytes())
    nameless = page.evaluate(
        """[...document.querySelectorAll("zoo-draw, zoo-try")]
            .flatMap((element) => [...element.shadowRoot.querySelectorAll("button, textarea, select, input, canvas")])
            .filter((node) => !node.hidden && !node.ariaHidden)
            .filter((node) => !node.ariaLabel && !node.textContent.trim() && !node.labels?.length)
            .map((node) => node.outerHTML)"""
    )
    assert nameless == []


def test_an_element_with_some_networks_and_one_that_is_unknown(folder: Path, chromium: Any, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path / "draw")
    elements = '<zoo-draw networks="mlp slp"></zoo-draw><zoo-try network="nothing"></zoo-try>'
    page = f'<!doctype html><link rel="icon" href="data:,"><script type="module" src="draw/draw.js"></script>{elements}'
    (tmp_path / "page.html").write_text(page, encoding="utf-8")
    with served(tmp_path) as address, opened(chromium, f"{address}/page.html") as page:
        page.wait_for_function("document.querySelector('zoo-draw').ready")
        assert page.locator("zoo-draw h3").all_inner_texts() == ["slp", "mlp"]
        page.get_by_label("A 7 from").click()
        page.wait_for_function("document.querySelector('zoo-draw').verdict.textContent === '7 all 2 networks agree'")
        assert page.locator("zoo-try [role=alert]").inner_text() == "This cannot be shown: there is no network nothing"
