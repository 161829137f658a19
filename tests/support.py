"""Small real inputs that tests write: image files and a tiny model."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
from PIL import Image


def write_images(folder: Path, count: int, *, size_px: int = 48, seed: int = 0) -> Path:
    """Writes PNG and JPEG files in turn, as a person's folder would hold them."""
    folder.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(seed)
    for index in range(count):
        pixels = noise.integers(0, 256, (size_px, size_px, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{index:04d}.{'png' if index % 2 == 0 else 'jpg'}")
    return folder


def write_broken_image(folder: Path, name: str = "0001-broken.png") -> Path:
    """Writes a PNG that ends in the middle."""
    whole = folder / "whole.png"
    Image.new("RGB", (48, 48), (200, 30, 30)).save(whole)
    broken = folder / name
    broken.write_bytes(whole.read_bytes()[:60])
    whole.unlink()
    return broken


def write_tiny_model(folder: Path) -> Path:
    """Writes the configuration of a ResNet with one 8-wide layer; its weights are random."""
    folder.mkdir(parents=True, exist_ok=True)
    config = {
        "architectures": ["ResNetForImageClassification"],
        "model_type": "resnet",
        "num_channels": 3,
        "embedding_size": 8,
        "hidden_sizes": [8],
        "depths": [1],
        "layer_type": "basic",
        "hidden_act": "relu",
        "num_labels": 10,
    }
    processor = {
        "image_processor_type": "ConvNextImageProcessor",
        "do_resize": True,
        "do_normalize": True,
        "crop_pct": 0.875,
        "resample": 3,
        "size": {"shortest_edge": 64},
        "image_mean": [0.485, 0.456, 0.406],
        "image_std": [0.229, 0.224, 0.225],
    }
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "preprocessor_config.json").write_text(json.dumps(processor))
    return folder


def jpeg_bytes(*, size_px: int = 48) -> bytes:
    """A small JPEG file."""
    buffer = io.BytesIO()
    Image.new("RGB", (size_px, size_px), (200, 120, 30)).save(buffer, "JPEG")
    return buffer.getvalue()
