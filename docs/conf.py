"""How Sphinx builds the site; docs/build.py runs it."""

import builtins
import re
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.util.nodes import make_refnode

import zoo
from zoo.registry import DATAMODULES, MODELS

DOCS = Path(__file__).parent
sys.path.insert(0, str(DOCS))

from pages.facts import LABELS  # noqa: E402  # the folder of this file is not on the path before

project, author, release = "zoo", "the zoo's authors", zoo.__version__
copyright = author  # noqa: A001  # without a year: the same sources give the same files
extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx_design", "sphinx_copybutton"]
exclude_patterns = ["_build", "draw/**", "**/.ipynb_checkpoints", "jupyter_execute"]
myst_enable_extensions = ["colon_fence", "deflist", "attrs_block", "attrs_inline"]
myst_heading_anchors = 3
myst_links_external_new_tab = False
nb_execution_mode = "force"  # a cache would not see that the zoo has changed
nb_execution_raise_on_error = True
nb_execution_timeout = 300
nb_output_stderr = "remove"  # Lightning tells what hardware it found
highlight_language = "text"
nitpicky = True

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_class_signature = "mixed"
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 88
napoleon_numpy_docstring = False
napoleon_use_rtype = False
toc_object_entries_show_parents = "hide"
napoleon_use_ivar = True  # attributes as a list

myst_html_meta = {
    "description": "A zoo of classic PyTorch networks as Lightning modules, with weights. Some answer in the browser."
}

html_theme = "pydata_sphinx_theme"
html_title = "zoo"
html_static_path = ["_static"]
html_css_files = ["zoo.css"]
html_js_files = [("site.js", {"defer": "defer"})]
html_favicon = "_static/favicon.svg"
html_theme_options = {
    "logo": {"text": "zoo"},
    "navbar_align": "left",
    "navbar_center": ["navbar-nav"],
    "navbar_end": ["theme-switcher"],
    "header_links_before_dropdown": 7,
    "show_toc_level": 2,
    "navigation_with_keys": False,
    "show_prev_next": False,
    "secondary_sidebar_items": {"**": ["page-toc"], "index": [], "draw": [], "compare": []},
    "footer_start": ["copyright"],
    "footer_end": [],
}
html_sidebars = {name: [] for name in ("index", "compare", "draw")}
html_context = {"default_mode": "auto"}
html_copy_source = False
html_show_sourcelink = False
pygments_style = "tango"

EXTERNAL = {
    "Tensor": "https://docs.pytorch.org/docs/stable/tensors.html",
    "nn.Module": "https://docs.pytorch.org/docs/stable/generated/torch.nn.Module.html",
    "LightningModule": "https://lightning.ai/docs/pytorch/stable/common/lightning_module.html",
    "LightningDataModule": "https://lightning.ai/docs/pytorch/stable/data/datamodule.html",
    "Metric": "https://lightning.ai/docs/torchmetrics/stable/references/metric.html",
    "Path": "https://docs.python.org/3/library/pathlib.html",
}
"""Where others document what our signatures name most, by the name or its end."""

CARDS = {row.path.replace(":", ".") for row in (*MODELS.values(), *DATAMODULES.values())}
LABEL = re.compile(rf"(?:^|(?<=\. ))({'|'.join(LABELS)}): ")


def leave_to_the_page(app: Any, what: str, name: str, thing: Any, options: Any, lines: list[str]) -> None:
    """Take from the docstring of a network or a data set what its page has shown."""
    if what == "class" and f"{thing.__module__}.{thing.__qualname__}" in CARDS:
        del lines[:]


ATTRIBUTES: dict[str, list[str]] = {}


def keep_attribute(app: Any, what: str, name: str, thing: Any, options: Any, lines: list[str]) -> None:
    """Keep the docstring of an attribute from napoleon, which takes what precedes a colon for its type."""
    if what in ("attribute", "property"):
        ATTRIBUTES[name] = lines[:]


def restore_attribute(app: Any, what: str, name: str, thing: Any, options: Any, lines: list[str]) -> None:
    """Put back what :func:`keep_attribute` kept."""
    if what in ("attribute", "property"):
        lines[:] = ATTRIBUTES.pop(name)


def readable_default(app: Any, what: str, name: str, thing: Any, options: Any, signature: Any, returns: Any) -> Any:
    """Write the default of a dataclass's field that a function makes as Python, which can be parsed."""
    return signature and signature.replace("<factory>", "..."), returns


def link_outside(app: Any, page: str, source: list[str]) -> None:
    """Lead links to CONTRIBUTING.md, which is not in this folder, to its page."""
    source[0] = re.sub(r"\]\((?:\.\./)+CONTRIBUTING\.md\)", "](/contributing.md)", source[0])


def find_name(app: Any, env: Any, node: Any, content: Any) -> Any:
    """Find what a docstring or an annotation calls by a shorter name, or by the module that it is in.

    A name that is not public, or another project's, stays without a link; one that nobody has is a warning.
    """
    if node.get("refdomain") != "py":
        return None
    domain, target = env.get_domain("py"), node["reftarget"]
    for last in (".".join(target.split(".")[-2:]), target.split(".")[-1]):
        found = [name for name in domain.objects if name.endswith(f".{last}")]
        if len(found) == 1:
            where = domain.objects[found[0]]
            return make_refnode(app.builder, node["refdoc"], where.docname, where.node_id, content, found[0])
    for name, url in EXTERNAL.items():
        if f".{target}".endswith(f".{name}"):
            return nodes.reference("", "", content, internal=False, refuri=url)
    return content if exists(target) else None


def exists(target: str) -> bool:
    """Return whether a dotted name is a module's or a class's, or known in a module of the zoo or Python."""
    first, _, rest = target.partition(".")
    for module in [module for name, module in sys.modules.items() if name.partition(".")[0] == "zoo"]:
        if hasattr(module, first) and has(getattr(module, first), rest):
            return True
    if has(builtins, target):
        return True
    parts = target.split(".")
    for end in range(len(parts), 0, -1):
        try:
            module = import_module(".".join(parts[:end]))
        except ImportError:
            continue
        return has(module, ".".join(parts[end:]))
    return False


def has(thing: Any, path: str) -> bool:
    """Return whether a dotted path of attributes exists."""
    for name in filter(None, path.split(".")):
        if not hasattr(thing, name):
            return False
        thing = getattr(thing, name)
    return True


def setup(app: Any) -> None:
    """Connect the functions above."""
    app.connect("source-read", link_outside)
    app.connect("autodoc-process-docstring", keep_attribute, priority=400)
    app.connect("autodoc-process-docstring", leave_to_the_page)
    app.connect("autodoc-process-docstring", restore_attribute, priority=600)
    app.connect("autodoc-process-signature", readable_default)
    app.connect("missing-reference", find_name)
