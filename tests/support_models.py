"""Tiny models with real weights, written as ``save_pretrained`` writes them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.support import write_tiny_model

TINY_DEPTH: dict[str, Any] = {
    "model_type": "depth_anything",
    "backbone_config": {
        "model_type": "dinov2",
        "hidden_size": 16,
        "num_hidden_layers": 4,
        "num_attention_heads": 2,
        "image_size": 56,
        "patch_size": 14,
        "out_indices": [1, 2, 3, 4],
        "reshape_hidden_states": False,
    },
    "patch_size": 14,
    "reassemble_hidden_size": 16,
    "reassemble_factors": [4, 2, 1, 0.5],
    "neck_hidden_sizes": [4, 4, 8, 8],
    "fusion_hidden_size": 8,
    "head_hidden_size": 4,
}
TINY_DEPTH_PROCESSOR: dict[str, Any] = {
    "image_processor_type": "DPTImageProcessor",
    "size": {"height": 56, "width": 56},
    "keep_aspect_ratio": True,
    "ensure_multiple_of": 14,
}


def save_tiny_resnet(folder: Path) -> Path:
    """Writes a ResNet with one 8-wide layer, its weights and its processor."""
    from orin_core.inference.vision_ops import ensure_vision_ops

    ensure_vision_ops()
    from transformers import AutoConfig, AutoModelForImageClassification

    write_tiny_model(folder)
    processor = (folder / "preprocessor_config.json").read_text()
    auto: Any = AutoModelForImageClassification
    auto.from_config(AutoConfig.from_pretrained(folder)).save_pretrained(folder)
    (folder / "preprocessor_config.json").write_text(processor)
    return folder


def save_tiny_depth(folder: Path) -> Path:
    """Writes a Depth Anything with a 16-wide backbone, its weights and its processor."""
    from orin_core.inference.vision_ops import ensure_vision_ops

    ensure_vision_ops()
    from transformers import AutoConfig, AutoModelForDepthEstimation, DPTImageProcessor

    config = AutoConfig.for_model(**TINY_DEPTH)
    auto: Any = AutoModelForDepthEstimation
    auto.from_config(config).save_pretrained(folder)
    processor: Any = DPTImageProcessor
    processor.from_dict(TINY_DEPTH_PROCESSOR).save_pretrained(folder)
    return folder
