"""Configurations of the catalogue's models, as their ``config.json`` and ``preprocessor_config.json`` say.

With them a model is built with random weights where the hub is out of reach: the same
arithmetic on the same shapes, and no meaning in what comes out.

**Source**: the published repositories named in ``catalog.py``; the number of parameters that
each builds (60 192 808, 97 470 785, 3 157 200) is checked by a test.
"""

from __future__ import annotations

from typing import Any

_IMAGENET = {"image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225]}
_BICUBIC = 3

RESNET_152: dict[str, Any] = {
    "model_type": "resnet",
    "embedding_size": 64,
    "hidden_sizes": [256, 512, 1024, 2048],
    "depths": [3, 8, 36, 3],
    "layer_type": "bottleneck",
    "hidden_act": "relu",
    "num_labels": 1000,
}
RESNET_152_PROCESSOR: dict[str, Any] = {
    "image_processor_type": "ConvNextImageProcessor",
    "do_resize": True,
    "size": {"shortest_edge": 224},
    "crop_pct": 0.875,
    "resample": _BICUBIC,
    "do_rescale": True,
    "do_normalize": True,
    **_IMAGENET,
}

DEPTH_ANYTHING_V2_BASE: dict[str, Any] = {
    "model_type": "depth_anything",
    "backbone_config": {
        "model_type": "dinov2",
        "hidden_size": 768,
        "num_hidden_layers": 12,
        "num_attention_heads": 12,
        "image_size": 518,
        "patch_size": 14,
        "out_indices": [3, 6, 9, 12],
        "reshape_hidden_states": False,
        "apply_layernorm": True,
    },
    "patch_size": 14,
    "reassemble_hidden_size": 768,
    "reassemble_factors": [4, 2, 1, 0.5],
    "neck_hidden_sizes": [96, 192, 384, 768],
    "fusion_hidden_size": 128,
    "head_hidden_size": 32,
    "head_in_index": -1,
    "depth_estimation_type": "relative",
}
DEPTH_ANYTHING_V2_PROCESSOR: dict[str, Any] = {
    "image_processor_type": "DPTImageProcessor",
    "do_resize": True,
    "size": {"height": 518, "width": 518},
    "keep_aspect_ratio": True,
    "ensure_multiple_of": 14,
    "resample": _BICUBIC,
    "do_pad": False,
    "do_rescale": True,
    "do_normalize": True,
    **_IMAGENET,
}

YOLOV8N: dict[str, Any] = {"yaml": "yolov8n.yaml"}
"""The file of this name comes with ultralytics."""
