"""What must agree for two runs to share a row or to be ranked against each other: one table, :data:`SETTINGS`."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

from orin_core.catalog import dataset_row
from orin_core.profiles import Profile
from orin_core.report.figures import number_or_none
from orin_core.report.run_facts import RunFacts, l4t, module_gb, origin_of, text_or_none


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One thing that must be equal for two runs to be compared; an unknown value equals an unknown one only.

    Args:
        key: its name in the code.
        name: its name for people.
        read: its value as text, None where it is not known.
        label: how a value reads in the first cell of a row.
        usual: the value that goes without saying there.
    """

    key: str
    name: str
    read: Callable[[RunFacts], str | None]
    label: str = "{}"
    usual: str | None = None


def _of_summary(key: str) -> Callable[[RunFacts], str | None]:
    return lambda run: text_or_none(run.summary.get(key))


def _of_environment(key: str) -> Callable[[RunFacts], str | None]:
    return lambda run: text_or_none(run.environment.get(key))


def _of_worker(key: str) -> Callable[[RunFacts], str | None]:
    return lambda run: text_or_none(run.found("worker", key))


def _flag(key: str, yes: str, no: str) -> Callable[[RunFacts], str | None]:
    def read(run: RunFacts) -> str | None:
        value: Any = run.environment.get(key)
        return (yes if value else no) if isinstance(value, bool) else None

    return read


def _telemetry(run: RunFacts) -> str | None:
    return "simulated board" if run.summary.get("simulated") else "board"


def _profile(run: RunFacts) -> str | None:
    """Formal or standard: repeats of a formal result are formal runs; a demo is a short standard run."""
    if origin_of(run) != "run":
        return None
    is_formal = run.summary.get("profile") == Profile.FORMAL.value
    return Profile.FORMAL.value if is_formal else Profile.STANDARD.value


TORCH = "torch"
"""What computes where no other provider is named."""


def _dataset(run: RunFacts) -> str | None:
    name = text_or_none(run.summary.get("dataset"))
    row = dataset_row(name) if name else None
    return row.name if row else name


def _precision(run: RunFacts) -> str | None:
    """As asked, where the run names its method; before that ``fp32`` said nothing of TF32."""
    precision = text_or_none(run.summary.get("precision"))
    if run.summary.get("method"):
        return precision
    return f"{precision} (TF32 allowed)" if precision and run.summary.get("tf32_allowed") else precision


def _provider(run: RunFacts) -> str | None:
    """What computed: a provider of ONNX Runtime, else torch; None where no method is named."""
    facts = run.found("worker", "method_facts")
    named = text_or_none(facts.get("provider")) if isinstance(facts, Mapping) else None
    return named or (TORCH if run.summary.get("method") else None)


def _module(run: RunFacts) -> str | None:
    size_gb = module_gb(run)
    return f"{size_gb} GB" if size_gb else None


def _revision(run: RunFacts) -> str | None:
    revision = text_or_none(run.found("model_spec", "revision"))
    return revision[:7] if revision else None


def _fan(run: RunFacts) -> str | None:
    """Full or regulated: under regulation no two runs find the fan at the same speed."""
    pwm_pct = number_or_none(run.found("fan", "pwm_pct"))
    return None if pwm_pct is None else "at full speed" if pwm_pct >= 99 else "regulated"


def _of_program(key: str) -> Callable[[RunFacts], str | None]:
    """Of the program that measured; the one that imports a log has measured nothing."""
    return lambda run: text_or_none(run.environment.get(key)) if origin_of(run) == "run" else None


SETTINGS = (
    Setting(key="origin", name="Origin", read=origin_of),
    Setting(key="telemetry", name="Telemetry", read=_telemetry),
    Setting(key="log", name="Log", read=lambda run: run.log, label="log {}"),
    Setting(key="profile", name="Profile", read=_profile),
    Setting(key="dataset", name="Data set", read=_dataset),
    Setting(key="images", name="Image Source", read=_of_summary("images"), label="{} images"),
    Setting(key="weights", name="Weights", read=_of_summary("weights"), label="{} weights"),
    Setting(key="method", name="Method", read=_of_summary("method")),
    Setting(key="provider", name="Provider", read=_provider, usual=TORCH),
    Setting(key="precision", name="Precision", read=_precision),
    Setting(key="batch", name="Batch", read=_of_summary("batch_size"), label="batch {}"),
    Setting(key="in_flight", name="Batches in flight", read=_of_summary("in_flight"), label="{} in flight"),
    Setting(key="scope", name="Scope", read=_of_summary("scope"), label="scope {}", usual="full"),
    Setting(key="device", name="Device", read=_of_summary("device"), label="on {}"),
    Setting(key="board", name="Board", read=_of_environment("board")),
    Setting(key="module", name="Module RAM", read=_module, label="{} module"),
    Setting(key="l4t", name="L4T", read=l4t, label="L4T {}"),
    Setting(key="kernel", name="Kernel", read=_of_environment("kernel"), label="kernel {}"),
    Setting(key="torch", name="torch", read=_of_worker("torch"), label="torch {}"),
    Setting(key="cuda", name="CUDA", read=_of_worker("cuda"), label="CUDA {}"),
    # Its interpreter sets the pace where a core of the host is the limit.
    Setting(key="python", name="Python", read=_of_program("python"), label="Python {}"),
    Setting(key="version", name="Program version", read=_of_program("version"), label="program {}"),
    Setting(key="revision", name="Model revision", read=_revision, label="revision {}"),
    Setting(key="clocks", name="jetson_clocks", read=_of_environment("jetson_clocks"), label="jetson_clocks {}"),
    Setting(key="fan", name="Fan", read=_fan, label="fan {}"),
    Setting(key="page", name="Page", read=_flag("page_open", "open", "closed"), label="page {}"),
    Setting(
        key="browser",
        name="Browser on the board",
        read=_flag("browser_on_board", "yes", "no"),
        label="browser on the board: {}",
    ),
)
SETTING_BY_KEY = {setting.key: setting for setting in SETTINGS}


def settings_of(run: RunFacts) -> dict[str, str | None]:
    """Returns every setting of a run by key, None where it is not known."""
    return {setting.key: setting.read(run) for setting in SETTINGS}
