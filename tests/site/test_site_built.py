"""Every page of the built site, opened in a browser."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from browsing import browser, served
from documentation import HTML

import zoo
from zoo.registry import DATAMODULES, MODELS

PAGES = sorted(str(path.relative_to(HTML)) for path in HTML.rglob("*.html") if "_static" not in path.parts) or [
    "index.html"
]


@pytest.fixture(scope="module")
def site() -> Path:
    """The folder of the built site."""
    if not (HTML / "index.html").exists():
        pytest.skip("the site is not built: python docs/build.py")
    return HTML


@pytest.fixture(scope="module")
def site_url(site: Path) -> Iterator[str]:
    with served(site) as url:
        yield url


@pytest.fixture(scope="module")
def chromium(site: Path) -> Iterator[Any]:
    with browser() as started:
        yield started


@pytest.fixture(scope="module", params=[(1280, 900), (390, 844)], ids=["wide", "phone"])
def tab(request: pytest.FixtureRequest, chromium: Any) -> Iterator[Any]:
    width, height = request.param
    with chromium.new_context(viewport={"width": width, "height": height}) as context:
        yield context.new_page()


@pytest.fixture
def page(tab: Any) -> Any:
    tab.goto("about:blank")  # what the last page was still loading would fail while another one opens
    return tab


@pytest.mark.parametrize("name", PAGES)
def test_a_page_opens_without_a_fault(name: str, page: Any, site_url: str) -> None:
    faults: list[str] = []
    local = (site_url, "data:", "blob:")
    seen = {
        "console": lambda message: faults.append(message.text) if message.type == "error" else None,
        "pageerror": lambda error: faults.append(str(error)),
        "requestfailed": lambda request: faults.append(f"{request.url} failed: {request.failure}"),
        "request": lambda request: None if request.url.startswith(local) else faults.append(f"outside: {request.url}"),
        "response": lambda answer: faults.append(f"{answer.url} {answer.status}") if answer.status > 399 else None,
    }
    for event, listener in seen.items():
        page.on(event, listener)
    page.goto(f"{site_url}/{name}", wait_until="load")
    page.wait_for_timeout(50)
    broken = page.evaluate("[...document.images].filter(i => !i.naturalWidth && i.loading !== 'lazy').map(i => i.alt)")
    width, shown = page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
    for event, listener in seen.items():
        page.remove_listener(event, listener)
    assert not faults
    assert not broken
    assert width <= shown


def test_every_link_leads_to_a_file_or_outside(site: Path) -> None:
    for name in PAGES:
        text = re.sub(r"(?s)<script.*?</script>", "", (site / name).read_text(encoding="utf-8"))
        for link in re.findall(r"""\s(?:href|src)=["']([^"'#?]+)""", text):
            if not re.match(r"https?:|data:|mailto:", link):
                path = (site / name).parent / unquote(link)
                assert (path / "index.html" if path.is_dir() else path).exists(), (name, link)


@pytest.mark.parametrize("name", MODELS)
def test_every_network_has_a_page_with_its_record(name: str, site: Path) -> None:
    text = (site / "networks" / f"{name}.html").read_text(encoding="utf-8")
    for weights in zoo.list_weights(name):
        record = zoo.weights_record(name, weights)
        assert record.sha256 in text
        assert all(f"{value:.4g}" in text for value in record.metrics["test"].values())


@pytest.mark.parametrize("name", DATAMODULES)
def test_every_data_set_has_a_page(name: str, site: Path) -> None:
    assert (site / "datasets" / f"{name}.html").exists()


@pytest.mark.parametrize(
    ("name", "element", "shown"), [("index", "zoo-draw", "lstm_cell"), ("networks/xor", "zoo-try", "x2")]
)
def test_the_networks_are_there_to_be_tried(name: str, element: str, shown: str, page: Any, site_url: str) -> None:
    page.goto(f"{site_url}/{name}.html")
    page.locator(element).get_by_text(shown).first.wait_for()


def test_a_table_is_sorted_by_a_column(page: Any, site_url: str) -> None:
    page.goto(f"{site_url}/compare.html")
    column = page.locator(".zoo-sortable tbody td:nth-child(3)")
    for order in (False, True):
        page.get_by_role("button", name="parameters").click()
        values = [float(value) for value in column.evaluate_all("cells => cells.map(c => c.dataset.sort)")]
        assert values == sorted(values, reverse=order)
    assert len(values) == len(MODELS)
