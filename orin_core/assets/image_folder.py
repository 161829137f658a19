"""A folder of images as a data set: which of its files count."""

from __future__ import annotations

import os
from pathlib import Path

IMAGE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".ppm", ".pgm"})
"""Endings of the files of an image folder that are taken for images, in lower case."""


def is_saved_dataset(folder: Path) -> bool:
    """Returns whether the datasets library saved this folder."""
    return (folder / "state.json").is_file() and (folder / "dataset_info.json").is_file()


def image_files(folder: Path) -> list[Path]:
    """Returns the image files in a folder and below it, in order, hidden ones left out."""
    found = []
    for root, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        found += [
            Path(root, name)
            for name in files
            if not name.startswith(".") and os.path.splitext(name)[1].lower() in IMAGE_SUFFIXES
        ]
    return sorted(found)
