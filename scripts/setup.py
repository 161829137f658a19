"""Makes the virtual environments of this checkout; standard library only, run by the Makefile.

``python scripts/setup.py run|test|jetpack6``. Whatever is missing is said in one line on stderr (exit code 1);
what pip printed is in ``.setup/install.log``. An environment whose requirements have not changed is left alone.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import dataclasses
import fcntl
import hashlib
import importlib.util
import json
import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WORK = ROOT / ".setup"
LOG = WORK / "install.log"
JETPACK6 = "constraints/jetpack6.txt"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
YOLO_LIBRARIES = ("libGL.so.1", "libgthread-2.0.so.0", "libxcb.so.1")
NETWORK_WORDS = re.compile(
    r"name resolution|NewConnectionError|ConnectTimeout|Network is unreachable|ProxyError|Connection refused"
    r"|Read timed out|dns error|client error \(Connect\)|Failed to fetch"
)


class SetupError(Exception):
    """What is missing, in one line."""


@dataclasses.dataclass(frozen=True)
class Plan:
    """One virtual environment: where it lies and what goes into it.

    Args:
        venv: its folder.
        requirements: file to install.
        free_gb: room that a first installation takes, in GB.
        excluded: packages that are not installed though required, a file for uv; None where pip installs.
    """

    venv: Path
    requirements: str
    free_gb: float
    excluded: str | None = None

    @property
    def python(self) -> Path:
        """The environment's interpreter."""
        return self.venv / "bin" / "python"

    @property
    def stamp(self) -> Path:
        """Names the requirements that are installed; absent until an installation has ended well."""
        return self.venv / "installed.json"

    @property
    def unfinished(self) -> Path:
        """There while an installation runs: found at the start, the last one was cut off."""
        return self.venv / "installing"


PLANS = {
    "run": Plan(venv=ROOT / ".venv", requirements="requirements.txt", free_gb=5.0),
    "test": Plan(venv=ROOT / ".venv", requirements="requirements-dev.txt", free_gb=5.0),
    "jetpack6": Plan(
        venv=ROOT / ".venv-jetpack6",
        requirements="requirements-dev.txt",
        free_gb=2.5,
        excluded="constraints/board-provided.txt",
    ),
}


def is_jetson(root: Path = Path("/")) -> bool:
    """Returns whether this is a Jetson.

    **Source**: L4T writes /etc/nv_tegra_release on every board; a container gets it from NVIDIA's base image.
    """
    return platform.machine() == "aarch64" and (root / "etc/nv_tegra_release").exists()


def installed_versions(python: str, names: tuple[str, ...]) -> dict[str, str | None]:
    """Returns the version of each distribution that ``python`` sees, None where it sees none."""
    code = (
        "import importlib.metadata as m, json, sys\n"
        "print(json.dumps({n: next((d.version for d in m.distributions(name=n)), None) for n in sys.argv[1:]}))"
    )
    answer = subprocess.run([python, "-c", code, *names], capture_output=True, text=True, check=True)
    versions: dict[str, str | None] = json.loads(answer.stdout)
    return versions


def board_guard(versions: dict[str, str | None]) -> str:
    """Returns the constraint that keeps pip from replacing the board's own torch.

    Args:
        versions: of torch, torchvision and numpy as the board's Python sees them.

    Raises:
        SetupError: the board has no torch or torchvision.
    """
    for name in ("torch", "torchvision"):
        if versions[name] is None:
            raise SetupError(
                f"This Jetson's Python has no {name}, and pip would bring one that cannot use its GPU: "
                "install NVIDIA's wheels as docs/jetson.md says under PyTorch, then start again."
            )
    lines = [f"{name}=={versions[name]}" for name in ("torch", "torchvision")]
    if (versions["numpy"] or "1").startswith("1."):
        lines.append("numpy<2")  # a torch compiled against NumPy 1 breaks with NumPy 2
    return "\n".join(lines) + "\n"


def fingerprint(plan: Plan, python: str, guard: str) -> str:
    """Returns what the stamp must hold for the environment to be up to date."""
    digest = hashlib.sha256(f"{python}\n{plan.excluded}\n{guard}".encode())
    for name in ("requirements.txt", plan.requirements, JETPACK6):
        digest.update((ROOT / name).read_bytes())
    return digest.hexdigest()


def read_stamp(plan: Plan) -> dict[str, str]:
    """Returns the fingerprints of what was installed, by requirements file; empty where nothing was."""
    with contextlib.suppress(OSError, ValueError):
        stamp = json.loads(plan.stamp.read_text())
        if isinstance(stamp, dict) and not plan.unfinished.exists():
            return stamp
    return {}


def works(plan: Plan) -> bool:
    """Returns whether the environment has a Python and a pip that start."""
    if not plan.python.exists():
        return False
    probe = [str(plan.python), "-c", "import sys, pip; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 12))"]
    return subprocess.run(probe, capture_output=True, check=False).returncode == 0


def check_disk(plan: Plan) -> None:
    """Raises SetupError where a first installation would fill the disk."""
    free_gb = shutil.disk_usage(ROOT).free / 1e9
    if free_gb < plan.free_gb:
        raise SetupError(f"The disk of {ROOT} is too small: {free_gb:.1f} GB free, about {plan.free_gb:g} GB needed.")


def make_venv(plan: Plan, *, system_packages: bool) -> None:
    """Makes the environment anew, whatever was there; raises SetupError with what is missing."""
    check_disk(plan)
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    if importlib.util.find_spec("venv") is None or importlib.util.find_spec("ensurepip") is None:
        raise SetupError(f"Python's venv module is missing: install the package python{version}-venv.")
    command = [sys.executable, "-m", "venv", "--clear", str(plan.venv)]
    run_logged(command + (["--system-site-packages"] if system_packages else []), "Making the virtual environment")


def run_logged(command: list[str], what: str) -> None:
    """Runs a program with its output in the log; raises SetupError with the reason that its output gives."""
    with LOG.open("a") as log:
        start = log.tell()
        log.write(f"$ {' '.join(command)}\n")
        log.flush()
        code = subprocess.run(command, stdout=log, stderr=subprocess.STDOUT, cwd=ROOT, check=False).returncode
    if code == 0:
        return
    with LOG.open() as log:
        log.seek(start)
        output = log.read()
    where = f"the whole output is in {LOG.relative_to(ROOT)}"
    if "No space left on device" in output:
        raise SetupError(f"{what} failed: the disk is full; {where}.")
    if NETWORK_WORDS.search(output):
        raise SetupError(f"{what} failed: the package index cannot be reached (no network?); {where}.")
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    reason = next((line for line in reversed(lines) if line.lower().startswith("error")), lines[-1])
    raise SetupError(f"{what} failed: {reason}; {where}.")


def installer(plan: Plan, guard: str) -> list[str]:
    """Returns the command that installs the plan's requirements."""
    if plan.excluded:
        uv = [str(PLANS["test"].venv / "bin" / "uv"), "pip", "install", "--no-python-downloads"]
        options = ["--python", str(plan.python), "--only-binary", ":all:", "--excludes", plan.excluded, "-c", JETPACK6]
        return [*uv, *options, "-r", plan.requirements]
    command = [str(plan.python), "-m", "pip", "install", "--retries", "2", "-r", plan.requirements]
    if guard:
        (WORK / "board.txt").write_text(guard)
        command += ["-c", str(WORK / "board.txt")]
        if sys.version_info[:2] == (3, 10):
            command += ["-c", JETPACK6]
    return command


def install(plan: Plan) -> None:
    """Brings the environment up to date with its requirements; raises SetupError with what is missing."""
    guard = ""
    if is_jetson() and not plan.excluded:
        guard = board_guard(installed_versions(sys.executable, ("torch", "torchvision", "numpy")))
    cut_off = plan.unfinished.exists()
    if cut_off or not works(plan):
        if cut_off:
            say(f"The last installation into {plan.venv.name} was cut off: starting over.")
        make_venv(plan, system_packages=bool(guard))
    wanted = fingerprint(plan, version_of(plan), guard)
    stamp = read_stamp(plan)
    if stamp.get(plan.requirements) == wanted:
        return
    if not stamp and not any(plan.venv.glob("lib/*/site-packages/streamlit")):
        check_disk(plan)
    say(f"Installing {plan.requirements} into {plan.venv.name} (some minutes the first time; {LOG.relative_to(ROOT)}).")
    plan.unfinished.touch()
    try:
        run_logged(installer(plan, guard), "Installing")
    except SetupError:
        plan.unfinished.unlink()  # pip has put back what it had begun
        raise
    if guard and any(plan.venv.glob("lib/*/site-packages/torch")):
        raise SetupError(f"pip replaced the board's torch: remove {plan.venv.name} and report what {LOG} says.")
    update = {plan.requirements: wanted}
    if plan.requirements != "requirements.txt":  # it holds that file too
        update["requirements.txt"] = fingerprint(PLANS["run"], version_of(plan), guard)
    plan.stamp.write_text(json.dumps({**stamp, **update}))
    plan.unfinished.unlink()


def version_of(plan: Plan) -> str:
    """Returns the environment's Python version as its own settings file names it."""
    match = re.search(r"^version\S* = (\S+)", (plan.venv / "pyvenv.cfg").read_text(), re.MULTILINE)
    return match[1] if match else "unknown"


def library_loads(name: str) -> bool:
    """Returns whether the dynamic linker finds a shared library."""
    try:
        ctypes.CDLL(name)
    except OSError:
        return False
    return True


def say_what_is_off(verb: str) -> None:
    """Names what works here only with packages of the distribution; nothing of it stops the rest."""
    missing = [name for name in YOLO_LIBRARIES if not library_loads(name)]
    if missing and verb != "jetpack6":
        say(f"YOLO is off, {missing[0]} is missing: install libgl1 libglib2.0-0 libxcb1.")
    if verb == "test" and not any(shutil.which(name) for name in BROWSERS):
        say("The browser tests are off, no browser is there: install chromium fonts-dejavu-core.")


def say(text: str) -> None:
    """Prints one line for people, apart from the output of what runs next."""
    print(text, file=sys.stderr, flush=True)


@contextlib.contextmanager
def one_at_a_time() -> Iterator[None]:
    """Holds off a second set-up of this checkout until the first has ended."""
    WORK.mkdir(exist_ok=True)
    with (WORK / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        LOG.write_text("")
        yield


def main() -> int:
    """Sets up what the command line names; returns the exit code."""
    parser = argparse.ArgumentParser(description="Makes the virtual environments of this checkout.")
    parser.add_argument("verb", choices=sorted(PLANS))
    verb = parser.parse_args().verb
    os.umask(0o022)
    try:
        with one_at_a_time():
            install(PLANS[verb])
    except SetupError as error:
        say(str(error))
        return 1
    except OSError as error:
        say(f"The set-up cannot write here: {error}.")
        return 1
    say_what_is_off(verb)
    return 0


if __name__ == "__main__":
    sys.exit(main())
