"""What people write down about a run after it, in ``notes.json`` beside what was measured."""

from __future__ import annotations

import threading
import time

from orin_core.errors import BadRequest, RunFailed
from orin_core.runs import store
from orin_core.runs.recording import Recording
from orin_core.spec import MAX_NOTES

NOTES = "notes.json"
_WRITING = threading.Lock()
"""Two tabs of one server would write to the same temporary file."""


def read_notes(recording: Recording) -> str:
    """Returns the notes of a run without blanks around them: as last edited, else as typed in before it began.

    Empty where there are none.
    """
    kept = store.read_json(recording.folder / NOTES)
    if kept is not None and isinstance(kept.get("text"), str):
        return str(kept["text"]).strip()
    asked = recording.spec().get("notes")
    return asked.strip() if isinstance(asked, str) else ""


def edited_utc(recording: Recording) -> str | None:
    """Returns when the notes were last edited, ISO 8601; None where they never were."""
    kept = store.read_json(recording.folder / NOTES) or {}
    moment = kept.get("edited_utc")
    return moment if isinstance(moment, str) else None


def write_notes(recording: Recording, text: str, *, instead_of: str | None = None) -> None:
    """Replaces the notes of a run; what was measured is not touched, and ``spec.json`` keeps what was typed in before.

    Args:
        recording: the run; it may still go on.
        text: at most :data:`orin_core.spec.MAX_NOTES` characters; empty takes the notes away.
        instead_of: the notes that the text was made from; where others are there by now, nothing is written. None
            replaces whatever is there.

    Raises:
        BadRequest: the text is too long, other notes are there by now, or the run is gone.
        RunFailed: the folder cannot be written.
    """
    text = text.strip()
    if len(text) > MAX_NOTES:
        raise BadRequest(f"Notes of {len(text)} characters are too long.", f"Use at most {MAX_NOTES}.")
    document = {"text": text, "edited_utc": store.utc_text(time.time())}
    try:
        with _WRITING:
            if instead_of is not None and read_notes(recording) != instead_of:
                raise BadRequest("Somebody else changed these notes in the meantime.", "Nothing was saved.")
            store.write_json(recording.folder / NOTES, document)
    except FileNotFoundError as error:
        raise BadRequest(f"Run {recording.run_id} is gone.", "It was deleted in the meantime.") from error
    except OSError as error:
        raise RunFailed(
            f"The notes of {recording.run_id} cannot be kept: {error.strerror or error}.",
            "Is there room, and may this user write in the run folder?",
        ) from error
