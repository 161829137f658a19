"""The gallery of a run: what its model said of a few images, with what a viewer must know of it."""

from __future__ import annotations

import html

import streamlit as st

from orin_core.runs import gallery
from orin_core.runs.recording import Recording
from orin_core.spec import Phase

_STYLE = """
<style>
.orin-gallery-head { margin: 6px 0 8px; font-size: 16px; font-weight: 600; }
.orin-gallery-head[data-large] { font-size: 22px; }
.orin-gallery { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 148px), 1fr)); gap: 12px; }
.orin-gallery[data-large] { grid-template-columns: repeat(auto-fill, minmax(min(100%, 170px), 1fr)); }
.orin-gallery[data-kind="depth"] { grid-template-columns: repeat(auto-fill, minmax(min(100%, max(160px, 22%)), 1fr)); }
.orin-gallery[data-large][data-kind="depth"] { grid-template-columns: repeat(auto-fill, minmax(max(160px, 40%), 1fr)); }
.orin-gallery figure { margin: 0; display: flex; flex-direction: column; border-radius: 8px; overflow: hidden;
  border: 1px solid color-mix(in srgb, currentColor 18%, transparent); }
.orin-gallery .frame { display: grid; place-items: center; aspect-ratio: 4 / 3;
  background: color-mix(in srgb, currentColor 6%, transparent); }
.orin-gallery[data-kind="depth"] .frame { aspect-ratio: auto; flex: 1; }
.orin-gallery[data-kind="depth"] img { height: auto; max-height: 220px; }
.orin-gallery img { display: block; width: 100%; height: 100%; object-fit: contain; }
.orin-gallery figcaption { padding: 6px 10px 7px; font-size: 13px; line-height: 1.35; overflow-wrap: anywhere;
  font-variant-numeric: tabular-nums; }
.orin-gallery[data-large] figcaption { font-size: 16px; font-weight: 600; }
.orin-gallery-note { margin: 8px 0 0; font-size: 13px; line-height: 1.4; opacity: 0.8; }
.orin-gallery-note[data-large] { font-size: 15px; }
</style>
"""

_LOOK_S = 2.0
_BEFORE_PICTURES = (Phase.IDLE.value, Phase.LOAD.value, None)
"""Phases of a run in which pictures may still come."""


def show(recording: Recording, *, large: bool = False) -> None:
    """Shows the pictures of a run; nothing where it has none.

    Args:
        recording: the run.
        large: large type, to be read from afar.
    """
    shown = gallery.pictures(recording)
    if not shown:
        return
    size = ' data-large="true"' if large else ""
    titles = {picture.title for picture in shown}
    # A depth without a unit is the same words for every image: said once.
    once = shown[0].kind == "depth" and len(titles) == 1
    alike = f"{shown[0].title[:1].upper()}{shown[0].title[1:]}. " if once else ""
    figures = "".join(_figure(recording, picture, titled=not alike) for picture in shown)
    st.html(
        f'{_STYLE}<p class="orin-gallery-head"{size}>What the model says</p>'
        f'<div class="orin-gallery" data-kind="{shown[0].kind}"{size}>{figures}</div>'
        f'<p class="orin-gallery-note"{size}>{html.escape(alike + gallery.caption(recording))}</p>'
    )


def _figure(recording: Recording, picture: gallery.Picture, *, titled: bool) -> str:
    title = html.escape(picture.title)
    source = html.escape(f"/api/runs/{recording.run_id}/gallery/{picture.file}")
    words = f"<figcaption>{title}</figcaption>" if titled else ""
    return f'<figure><div class="frame"><img src="{source}" alt="{title}" decoding="async"></div>{words}</figure>'


def follow(recording: Recording, *, large: bool = False) -> None:
    """Shows the pictures of a run that goes on as soon as they are there.

    Args:
        recording: the run; it holds the board.
        large: as for :func:`show`.
    """
    if gallery.count(recording):
        show(recording, large=large)
    elif recording.status().get("phase") in _BEFORE_PICTURES:
        _wait_for(recording)
    else:
        st.caption("This run has no pictures of what its model says.")


@st.fragment(run_every=_LOOK_S)
def _wait_for(recording: Recording) -> None:
    """Looks for the pictures; mounted only while they may still come."""
    if gallery.count(recording) or recording.status().get("phase") not in _BEFORE_PICTURES:
        st.rerun()
    st.caption("Pictures of what the model says come here when it is loaded.")
