"""Build the site: docs/_build/html, with the networks that answer in the browser in its draw/.

    python docs/build.py                         all of it, strictly: any warning is an error
    python docs/build.py --out FOLDER            elsewhere
    python docs/build.py --without-draw          without what runs in the browser

Needs the extra `docs`, and npm (it comes with Node.js) for what runs in the browser. Look at it with
`python -m http.server --directory docs/_build/html`.
"""

import argparse
import logging
import os
import shutil
import sys
from pathlib import Path

DOCS = Path(__file__).parent

os.environ.setdefault("OMP_NUM_THREADS", "1")  # the notebooks' runs are the same on every machine
os.environ["ZOO_DATA"] = str(DOCS / "_build" / "no-data")  # and use the embedded data


def main(out: Path, with_draw: bool) -> int:
    """Build the site into an empty folder, and return the exit code."""
    sys.path.insert(0, str(DOCS))
    if with_draw:
        from draw.build import build, runtime

        try:
            runtime()  # at first: without it, minutes would be lost
        except OSError as error:
            print(error, file=sys.stderr)
            return 2
    from pages import datasets, home, networks, overview, reference
    from sphinx.cmd.build import build_main

    networks.write_pages()
    datasets.write_pages()
    overview.write_pages()
    home.write_pages()
    reference.write_pages()
    shutil.rmtree(out, ignore_errors=True)
    code = build_main(
        ["-b", "html", "-E", "-n", "-W", "--keep-going", "-q", "-d", str(out.parent / "doctrees"), str(DOCS), str(out)]
    )
    if code or not with_draw:
        return code
    logging.disable(logging.INFO)  # Sphinx has let others speak, and the exports tell each of their steps
    build(out / "draw")
    print(f"{out / 'index.html'}: python -m http.server --directory {out}")
    return 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=DOCS / "_build" / "html", metavar="FOLDER")
    parser.add_argument("--without-draw", action="store_true")
    arguments = parser.parse_args()
    sys.exit(main(arguments.out.resolve(), not arguments.without_draw))
