"""The files for whoever hosts the project agree with each other, and with the package."""

from __future__ import annotations

import json
import tomllib
from typing import Any

import pytest
import yaml
from conftest import REPOSITORY

import zoo.support.version

PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def read(name: str) -> Any:
    return yaml.safe_load((REPOSITORY / name).read_text(encoding="utf-8"))


def test_ci_covers_what_the_package_claims() -> None:
    jobs = read(".github/workflows/ci.yml")["jobs"]
    matrix = jobs["newest"]["strategy"]["matrix"]
    pythons = [name.rpartition(" ")[2] for name in PROJECT["classifiers"] if name.startswith("Programming Language")]
    assert matrix["python"] == [version for version in pythons if "." in version]
    systems = {name.rpartition(" ")[2] for name in PROJECT["classifiers"] if name.startswith("Operating System")}
    runners = {"Linux": "ubuntu-latest", "MacOS": "macos-latest", "Windows": "windows-latest"}
    assert set(matrix["os"]) == {runners[system] for system in systems}
    oldest = PROJECT["requires-python"].removeprefix(">=")
    assert oldest == matrix["python"][0]
    (python,) = [step["with"]["python-version"] for step in jobs["oldest"]["steps"] if "with" in step]
    assert python == oldest


@pytest.mark.parametrize("name", [".github/workflows/ci.yml", "Dockerfile"])
def test_the_readmes_two_commands_are_run(name: str) -> None:
    text = (REPOSITORY / name).read_text(encoding="utf-8")
    text = text.replace('CMD ["python", "scripts/fit.py", "--model", "slp"]', "python scripts/fit.py --model slp")
    for command in ("pip install -e .", "python scripts/fit.py --model slp", 'pip install -e ".[test]" && pytest'):
        assert command in text


def test_the_container_for_editors_is_the_image() -> None:
    container = json.loads((REPOSITORY / ".devcontainer" / "devcontainer.json").read_text(encoding="utf-8"))
    folder = REPOSITORY / ".devcontainer"
    assert (folder / container["build"]["dockerfile"]).resolve() == REPOSITORY / "Dockerfile"
    assert (folder / container["build"]["context"]).resolve() == REPOSITORY


def test_the_citation_is_of_this_version() -> None:
    citation = read("CITATION.cff")
    assert citation["version"] == zoo.support.version.__version__
    assert citation["title"] == PROJECT["name"]
    assert citation["license"] == PROJECT["license"]
    assert citation["keywords"] == PROJECT["keywords"]
    assert [author["name"] for author in citation["authors"]] == [author["name"] for author in PROJECT["authors"]]
    assert f"## {citation['version']}" in (REPOSITORY / "CHANGELOG.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["bug", "feature"])
def test_issue_forms_have_what_the_site_asks_for(name: str) -> None:
    form = read(f".github/ISSUE_TEMPLATE/{name}.yml")
    assert form["name"]
    assert form["description"]
    questions = [part for part in form["body"] if part["type"] != "markdown"]
    assert len({question["id"] for question in questions}) == len(questions)
    assert all(question["attributes"]["label"] for question in questions)
    assert any(question.get("validations", {}).get("required") for question in questions)
