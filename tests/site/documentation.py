"""Where the documentation is, whose generators are no package."""

import sys

from conftest import REPOSITORY

DOCS = REPOSITORY / "docs"
HTML = DOCS / "_build" / "html"

sys.path.append(str(DOCS))
