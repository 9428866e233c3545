"""Chromium, looking at a folder of files, or skips where it is not installed."""

from __future__ import annotations

import functools
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

CHROMIUM = shutil.which("chromium")
PATIENCE = 120_000
"""Milliseconds to wait for what takes a second: other work may leave next to nothing of the machine."""


@contextmanager
def browser() -> Iterator[Any]:
    """Yield Chromium as Playwright drives it."""
    playwright = pytest.importorskip("playwright.sync_api")
    if CHROMIUM is None:
        pytest.skip("needs Chromium")
    with playwright.sync_playwright() as started:
        chromium = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Yield the URL of a plain server of files, which sends no special headers."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=folder))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


@contextmanager
def opened(chromium: Any, url: str, **options: Any) -> Iterator[Any]:
    """Yield a page, and fail if it complained, or asked for anything that is not beside it."""
    context = chromium.new_context(**options)
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    complaints: list[str] = []
    page.requests = []
    page.on("console", lambda message: message.type in ("error", "warning") and complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: page.requests.append(request.url))
    page.goto(url)
    yield page
    here = url[: url.index("/", 8)] if url.startswith("http") else url
    outside = [asked for asked in page.requests if not asked.startswith((here, "data:", "blob:"))]
    context.close()
    assert complaints == []
    assert outside == []
