"""What must work with the wheel alone: every documented network predicts by its published weights.

CI runs it; pytest does not.
"""

from importlib.metadata import files
from pathlib import Path

from documents import DOCUMENTED
from PIL import Image

import zoo

assert "site-packages" in zoo.__file__, zoo.__file__
inside = {str(path) for path in files("lightning-zoo") or []}
assert {"zoo/py.typed", "zoo/models/__init__.pyi", "zoo/datamodules/__init__.pyi"} <= inside
assert not [path for path in inside if path.startswith(("tests", "scripts", "examples"))], inside
assert not list(Path().iterdir()), "the folder must be empty"

VALUES = {"image": Image.new("L", (28, 28)), "table": [1.0, 1.0], "text": "Not one good moment in two hours."}
for name in DOCUMENTED:
    model = zoo.create_model(name, weights="default")
    labels, values = model.predict(VALUES[model.takes])
    print(f"{name:<18}{labels or values.tolist()}")
