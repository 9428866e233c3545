"""Where the documentation is, whose generators are no package."""

import sys

from conftest import REPOSITORY

DOCS = REPOSITORY / "docs"
HTML = DOCS / "_build" / "html"

sys.path.insert(0, str(DOCS))
