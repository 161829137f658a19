"""What outlives one run of the page script: the server's singletons, and every key by its name."""

from __future__ import annotations

import functools

from dashboard.feed import FeedCache
from dashboard.idle import IdleBoard
from dashboard.run_finder import RunFinder
from orin_core import settings as settings_module
from orin_core.runs import launcher
from orin_core.settings import Settings

QUERY_RUN = "run"
"""Query key: the run that the page shows."""

KEY_ERROR = "error"
KEY_NOTICES = "notices"
KEY_CONFIRM_STOP = "confirm_stop"
KEY_RECOVERY_TOLD = "recovery_told"
KEY_REBOOT = "needed_reboot"
KEY_START = "asked_to_start"
KEY_CONFIRM_REBOOT = "confirm_reboot"
KEY_LIVE = "live_chart"
KEY_IMPORT_OPENED = "import_opened"
KEY_IMPORT_UPLOADS = "import_uploads"

FORM_MODEL = "form_model"
FORM_MODEL_PATH = "form_model_path"
FORM_DATASET = "form_dataset"
FORM_DATASET_PATH = "form_dataset_path"
FORM_MODE = "form_mode"
FORM_WEIGHTS = "form_weights"
FORM_IMAGES = "form_images"
FORM_PROFILE = "form_profile"
FORM_LENGTH = "form_length"
FORM_ITEMS = "form_items"
FORM_SECONDS = "form_seconds"
FORM_METHOD = "form_method"
FORM_PRECISION = "form_precision"
FORM_BATCH = "form_batch"
FORM_PRELOAD = "form_preload"
FORM_SMALLER_BATCH = "form_smaller_batch"
FORM_IDLE_S = "form_idle_s"
FORM_WARMUP_MIN_S = "form_warmup_min_s"
FORM_WARMUP_MAX_S = "form_warmup_max_s"
FORM_COOLDOWN_S = "form_cooldown_s"
FORM_INTERVAL_MS = "form_interval_ms"
FORM_LOCK_CLOCKS = "form_lock_clocks"
FORM_AMBIENT_C = "form_ambient_c"
FORM_NOTES = "form_notes"

QUERY_SWEEP = "sweep"
"""Query key: the sweep that the Sweeps page shows."""
QUERY_SHOWN = "show"
"""Query key: what the cells of its matrix show."""
QUERY_CHART = "chart"
"""Query key: there where the charts of its present run are folded away."""
QUERY_NEW = "new"
"""Query key: there where the form of a new sweep is shown."""
KEY_SWEEP_CHECKED = "sweep_checked"
KEY_SWEEP_STOP = "sweep_confirm_stop"
KEY_SWEEP_QUEUE = "sweep_queue_offer"
KEY_SWEEP_QUEUED = "sweep_queued"
"""Id of the sweep that this tab has put a single run into the queue as."""
KEY_SWEEP_QUEUED_COUNT = "sweep_queued_count"
KEY_SWEEP_CHART = "sweep_chart"
KEY_SWEEP_BOARD = "sweep_board"
KEY_SWEEP_STARTED = "sweep_started"
KEY_SWEEP_BY_ITSELF = "sweep_by_itself"
KEY_SWEEP_SAID = "sweep_said"
KEY_SWEEP_GONE = "sweep_gone"
KEY_SWEEP_UPLOAD = "sweep_upload"

FORM_SWEEP = "form_sweep"
FORM_SWEEP_SHOWN = "form_sweep_shown"
FORM_SWEEP_CHART = "form_sweep_chart"
FORM_SWEEP_WAY = "form_sweep_way"
FORM_SWEEP_TEXT = "form_sweep_text"
FORM_SWEEP_NAME = "form_sweep_name"
FORM_SWEEP_MODELS = "form_sweep_models"
FORM_SWEEP_DATASETS = "form_sweep_datasets"
FORM_SWEEP_MODES = "form_sweep_modes"
FORM_SWEEP_BATCHES = "form_sweep_batches"
FORM_SWEEP_METHODS = "form_sweep_methods"
FORM_SWEEP_PRECISIONS = "form_sweep_precisions"
FORM_SWEEP_EXCLUDE = "form_sweep_exclude"
FORM_SWEEP_REPEATS = "form_sweep_repeats"
FORM_SWEEP_PROFILE = "form_sweep_profile"
FORM_SWEEP_LENGTH = "form_sweep_length"
FORM_SWEEP_ITEMS = "form_sweep_items"
FORM_SWEEP_SECONDS = "form_sweep_seconds"
FORM_SWEEP_COOL_C = "form_sweep_cool_c"
FORM_SWEEP_COOL_S = "form_sweep_cool_s"
FORM_SWEEP_FAILURE = "form_sweep_failure"
FORM_SWEEP_REBOOT = "form_sweep_reboot"
FORM_SWEEP_WEIGHTS = "form_sweep_weights"
FORM_SWEEP_IMAGES = "form_sweep_images"
FORM_SWEEP_SEED = "form_sweep_seed"


@functools.cache
def settings() -> Settings:
    """Returns the settings of this server, read once."""
    return settings_module.load()


@functools.cache
def idle_board() -> IdleBoard:
    """Returns the one probe of all tabs."""
    return IdleBoard(settings())


@functools.cache
def feeds() -> FeedCache:
    """Returns the rows of the runs that are looked at, shared by all tabs."""
    return FeedCache()


@functools.cache
def run_finder() -> RunFinder:
    """Returns what finds runs by their ids, shared by all tabs."""
    return RunFinder(settings())


@functools.cache
def recovered() -> tuple[str, ...]:
    """Puts in order what a killed run left behind, once per server; returns what was done.

    Raises:
        OrinError: the board's lock cannot be opened; the next call tries again.
        OSError: a run folder cannot be read or written; the same.
    """
    return launcher.recover(settings())


def reset() -> None:
    """Forgets the singletons, ending the probe; the next use reads the settings anew."""
    if idle_board.cache_info().currsize:
        idle_board().close()
    for single in (settings, idle_board, feeds, run_finder, recovered):
        single.cache_clear()
