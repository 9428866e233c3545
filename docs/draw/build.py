"""Build the page "Draw a digit": networks of the zoo that answer in the browser.

python docs/draw/build.py FOLDER

The folder is served by any static host, or opened as its one file ``draw-a-digit.html``. Exported networks and the
package of onnxruntime-web, which npm downloads, are kept in ``docs/.draw_cache``.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

import zoo
from zoo.registry import models
from zoo.sharing.formats import export
from zoo.support.files import atomic_write

HERE = Path(__file__).parent
CACHE = HERE.parent / ".draw_cache"
ZOO = Path(zoo.__file__).parent

RUNTIME = "onnxruntime-web@1.30.0"
INTEGRITY = "q0y+JrrtukXSzsBWEMccVfqX25LRmosXHF+CaRJmg8pZClzcV7svNc4rKY3jL02Vb7QmRMDs1SigqR4CXAfKYQ=="
"""SHA-512 of its package, as npm's lock files have it."""
SCRIPT, WASM = "ort.wasm.bundle.min.mjs", "ort-wasm-simd-threaded.wasm"

SHOWN_FIRST = 4
"""Index of the digit that the page shows at first, with answers that were computed beforehand."""


def build(folder: Path) -> None:
    """Write everything that the page needs into a folder.

    Raises:
        OSError: npm is not installed, or the package of onnxruntime-web is not the expected one.
    """
    (folder / "models").mkdir(parents=True, exist_ok=True)
    copied = [
        *HERE.glob("*.js"),
        *(HERE / name for name in ("index.html", "page.css", "digits.json", "ort.LICENSE.txt")),
    ]
    for path in copied:
        shutil.copyfile(path, folder / path.name)
    files = runtime()
    (folder / "ort.mjs").write_bytes(re.sub(rb"//# sourceMappingURL=.*", b"", files[SCRIPT]))
    (folder / "ort.wasm.gz").write_bytes(gzip.compress(files[WASM], 9, mtime=0))
    about = {
        name: export_network(name, folder / "models" / f"{name}.onnx") for name in models() if zoo.list_weights(name)
    }
    (folder / "models.json").write_text(json.dumps(about, ensure_ascii=False) + "\n", encoding="utf-8")
    (folder / "draw-a-digit.html").write_text(_one_file(folder, about), encoding="utf-8")


def runtime() -> dict[str, bytes]:
    """Return the files of onnxruntime-web, by name.

    Raises:
        OSError: npm is not installed or cannot download the package, or the package is not the expected one.
    """
    package = CACHE / f"{RUNTIME.replace('@', '-')}.tgz"
    if not package.exists():
        CACHE.mkdir(exist_ok=True)
        npm = shutil.which("npm")
        if npm is None:
            raise OSError(
                f"{RUNTIME} comes by npm, which is not installed: install Node.js, which has it, or build the site "
                "without what runs in the browser: python docs/build.py --without-draw"
            )
        with tempfile.TemporaryDirectory(dir=CACHE) as folder:
            done = subprocess.run([npm, "pack", RUNTIME, "--pack-destination", folder], capture_output=True, text=True)
            if done.returncode:
                raise OSError(f"npm could not download {RUNTIME}: {' '.join(done.stderr.split())[:200]}")
            (Path(folder) / package.name).replace(package)
    content = package.read_bytes()
    if base64.b64encode(hashlib.sha512(content).digest()).decode() != INTEGRITY:
        raise OSError(f"{package} is not the package of {RUNTIME}: its SHA-512 is another; delete it")
    with tarfile.open(package) as archive:
        files = {name: archive.extractfile(f"package/dist/{name}") for name in (SCRIPT, WASM)}
        return {name: file.read() for name, file in files.items() if file}


def export_network(name: str, path: Path) -> dict[str, Any]:
    """Export the published weights of a network, and return what the page says about it."""
    model, record = zoo.create_model(name, weights="default"), zoo.weights_record(name)
    sources = sorted(
        path for part in ("models", "tasks", "sharing", "transforms") for path in (ZOO / part).rglob("*.py")
    )
    key = [record.sha256, torch.__version__, *(source.read_text(encoding="utf-8") for source in sources)]
    kept = CACHE / f"{name}-{hashlib.sha256(repr(key).encode()).hexdigest()[:16]}.onnx"
    if not kept.exists():
        CACHE.mkdir(exist_ok=True)
        with atomic_write(kept) as temporary:
            export(name, model, "onnx", temporary)
    shutil.copyfile(kept, path)
    assert model.transform
    about = {
        "summary": models()[name].summary,
        "takes": model.takes,
        "output": model.output,
        "classes": model.classes,
        "transform": {key: value for key, value in model.transform.spec().items() if key != "tokenizer"},
        "data": record.data,
        "parameters": sum(p.numel() for p in model.parameters()),
        "accuracy": record.metrics["test"].get("acc"),
        "bytes": path.stat().st_size,
    }
    if record.data == "mnist":
        digit = json.loads((HERE / "digits.json").read_text(encoding="utf-8"))[SHOWN_FIRST]
        pixels = np.frombuffer(base64.b64decode(digit["pixels"]), np.uint8).reshape(28, 28)
        values = model.predict(Image.fromarray(pixels)).values[0].tolist()
        about["first"] = {"digit": SHOWN_FIRST, "values": [round(value, 4) for value in values]}
    return about


def _one_file(folder: Path, about: dict[str, Any]) -> str:
    """Return the page with everything that it needs, for those who have no server."""
    digits = [name for name, network in about.items() if network["data"] in ("mnist", "imdb")]
    names = ["models.json", "digits.json", "ort.wasm.gz", *(f"models/{name}.onnx" for name in digits)]
    contents = {name: (folder / name).read_bytes() for name in names}
    files = {
        name: _base64(text if name.endswith(".gz") else gzip.compress(text, mtime=0)) for name, text in contents.items()
    }
    packed = [f'<script type="text/plain" data-zoo-file="{name}">{text}</script>' for name, text in files.items()]
    page = (folder / "index.html").read_text(encoding="utf-8")
    page = page.replace(
        '<link rel="stylesheet" href="page.css">', f"<style>{(folder / 'page.css').read_text()}</style>"
    )
    script = f'<script type="module" src="{_as_url(folder / "draw.js")}"></script>'
    return page.replace('<script type="module" src="draw.js"></script>', "\n".join([*packed, script]))


def _as_url(script: Path) -> str:
    """Return a script as a URL that contains it, with the scripts that it imports."""
    text = script.read_text(encoding="utf-8")
    text = re.sub(r'"\./([\w.]+\.m?js)"', lambda found: f'"{_as_url(script.parent / found[1])}"', text)
    return f"data:text/javascript;base64,{_base64(text.encode())}"


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()


if __name__ == "__main__":
    build(Path(sys.argv[1]))
