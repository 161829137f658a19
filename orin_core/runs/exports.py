"""A run folder as one file for other programs: its CSV, the SCALES team's layout, Parquet, or a zip of all of it.

Every format works while the run goes on; it then holds the whole lines written so far. A file is
made under another name first and appears only when it is complete.
"""

from __future__ import annotations

import csv
import os
import secrets
import shutil
import stat
import zipfile
from collections.abc import Iterator
from pathlib import Path

from orin_core.errors import BadRequest, RunFailed
from orin_core.runs import store
from orin_core.runs.export_parquet import write_parquet
from orin_core.runs.export_scales import write_run_as_scales
from orin_core.runs.recording import RUN_ID, Recording
from orin_core.runs.whole_lines import chunks, open_plain, open_whole, whole_length

FORMATS = ("csv", "scales", "parquet", "zip")
DESCRIPTIONS = {
    "csv": "run.csv as it is: one row per tick",
    "scales": "the same in the layout of tegrastats_parser, for scripts written for that",
    "parquet": "the same as Parquet, for long runs",
    "zip": "the whole run folder",
}
MEDIA_TYPES = {
    "csv": "text/csv; charset=utf-8",
    "scales": "text/csv; charset=utf-8",
    "parquet": "application/vnd.apache.parquet",
    "zip": "application/zip",
}
_ENDINGS = {"csv": ".csv", "scales": "_scales.csv", "parquet": ".parquet", "zip": ".zip"}
_GROWING = (store.RUN_CSV, store.BATCHES_CSV, store.EVENTS, store.RAW_LOG, store.LATE_FIELDS)
"""Files that are appended by whole records; the rest is replaced at once, or is another program's words."""


def check_format(text: str) -> str:
    """Returns ``text`` if it is one of :data:`FORMATS`.

    Raises:
        BadRequest: it is not.
    """
    if text not in FORMATS:
        raise BadRequest(f"There is no format {text[:40]!r}.", f"There is {', '.join(FORMATS)}.")
    return text


def export_name(recording: Recording, file_format: str) -> str:
    """Returns the file name of an export: the run's id with the format's ending.

    Raises:
        BadRequest: there is no such format.
    """
    return recording.run_id + _ENDINGS[check_format(file_format)]


def has_rows(recording: Recording) -> bool:
    """Returns whether a run has a whole line in its CSV yet."""
    try:
        with open_plain(recording.csv_path) as stream:
            return whole_length(stream) > 0
    except FileNotFoundError:
        return False


def write_export(recording: Recording, file_format: str, path: Path) -> tuple[str, ...]:
    """Writes a run as one file.

    Args:
        recording: the run; it may still go on.
        file_format: one of :data:`FORMATS`.
        path: file to write or replace; of a link, what it leads to. Not within any run folder.

    Returns:
        What a person should know of the file, one sentence each.

    Raises:
        BadRequest: there is no such format, the run has no rows yet, the path lies in a run folder, or is there
            and no plain file.
        RunFailed: the run's CSV is damaged, or the file cannot be written.
    """
    check_format(file_format)
    path = _checked_target(path, recording)
    if file_format != "zip" and not has_rows(recording):
        raise BadRequest("This run has no rows yet.", "Try again in a moment.")
    temporary = path.with_name(f".export-{os.getpid()}-{secrets.token_hex(4)}")
    try:
        notes = _write(recording, file_format, temporary)
        _check_plain(path)
        os.replace(temporary, path)
    except OSError as error:
        raise RunFailed(
            f"{path} cannot be written: {error.strerror or error}.", "Is there room, and may this user write there?"
        ) from error
    except (ValueError, TypeError, KeyError, OverflowError, csv.Error) as error:
        raise RunFailed(
            f"The files of {recording.run_id} are damaged: {str(error)[:200]}.",
            "Take it as csv or zip, which change nothing.",
        ) from error
    finally:
        temporary.unlink(missing_ok=True)
    return notes


def _checked_target(path: Path, recording: Recording) -> Path:
    """Returns where an export goes, links followed.

    Raises:
        BadRequest: it lies in a run folder, or what is there is no plain file.
    """
    target = path.resolve()
    for folder in target.parents:
        is_run = RUN_ID.fullmatch(folder.name) or any((folder / name).is_file() for name in (store.SPEC, store.STATUS))
        if is_run or folder == recording.folder.resolve():
            raise BadRequest(
                f"{path} lies in the run folder {folder.name}.", "Runs are never changed; name another folder."
            )
    _check_plain(target)
    return target


def _check_plain(target: Path) -> None:
    if target.exists() and not target.is_file():
        raise BadRequest(f"{target} is no plain file.", "Name a new file, or one that may be replaced.")


def _write(recording: Recording, file_format: str, target: Path) -> tuple[str, ...]:
    if file_format == "csv":
        with open_whole(recording.csv_path) as source, target.open("wb") as out:
            shutil.copyfileobj(source, out)
        return ()
    if file_format == "parquet":
        write_parquet(recording.csv_path, target)
        return ()
    if file_format == "zip":
        _write_zip(recording, target)
        return ()
    with target.open("w", encoding="utf-8", newline="") as text:
        interval_s = float(recording.spec().get("interval_ms") or 1000) / 1000
        written = write_run_as_scales(recording, text, interval_s=interval_s)
    left_out = f"Left out, since first seen after the columns were fixed: {', '.join(written.left_out)}."
    return (*([left_out] if written.left_out else []), *written.notes)


def _write_zip(recording: Recording, target: Path) -> None:
    ended = recording.summary() is not None
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, strict_timestamps=False) as archive:
        for path in _files(recording.folder):
            with open_plain(path) as stream:
                name = f"{recording.run_id}/{path.relative_to(recording.folder)}"
                info = zipfile.ZipInfo.from_file(path, name, strict_timestamps=False)
                info.compress_type = zipfile.ZIP_DEFLATED
                growing = path.name in _GROWING and not ended
                length = whole_length(stream) if growing else os.fstat(stream.fileno()).st_size
                info.file_size = length
                with archive.open(info, "w") as out:
                    for data in chunks(stream, length):
                        out.write(data)


def _files(folder: Path) -> Iterator[Path]:
    """Yields the files of a run folder; hidden ones are of the moment, and a link may lead anywhere."""
    for root, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            path = Path(root, name)
            if not name.startswith(".") and stat.S_ISREG(os.lstat(path).st_mode):
                yield path
