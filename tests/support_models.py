"""Tiny models with real weights, written as ``save_pretrained`` writes them."""

from __future__ import annotations

import json
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


def _tokenizer_of_bytes() -> dict[str, Any]:
    """A ``tokenizer.json`` with ``<s>``, ``</s>`` and a token for each byte, written as byte-level BPE writes it."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    letters = [chr(code) for code in (*plain, *range(256, 512 - len(plain)))]
    special = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
    bytes_as_letters = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
    vocabulary = {token: number for number, token in enumerate(["<s>", "</s>", *letters])}
    return {
        "version": "1.0",
        "added_tokens": [{"id": number, "content": token, **special} for number, token in enumerate(["<s>", "</s>"])],
        "pre_tokenizer": bytes_as_letters,
        "decoder": bytes_as_letters,
        "model": {"type": "BPE", "vocab": vocabulary, "merges": []},
    }


def save_tiny_text(folder: Path, *, context: int = 512, seed: int = 0) -> Path:
    """Writes a Llama with two 64-wide layers, its weights, and a tokenizer of bytes.

    Args:
        folder: where it goes.
        context: positions that it knows.
        seed: of its weights.
    """
    import torch

    from orin_core.inference.vision_ops import ensure_vision_ops

    ensure_vision_ops()
    from transformers import LlamaConfig, LlamaForCausalLM

    tokenizer = _tokenizer_of_bytes()
    config = LlamaConfig(
        vocab_size=len(tokenizer["model"]["vocab"]),
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=context,
        bos_token_id=0,
        eos_token_id=1,
    )
    torch.manual_seed(seed)
    model: Any = LlamaForCausalLM(config)
    # As they are made, all logits are nearly the same.
    model.lm_head.weight.data.mul_(20)
    model.save_pretrained(folder)
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer))
    named = {"tokenizer_class": "PreTrainedTokenizerFast", "bos_token": "<s>", "eos_token": "</s>"}
    (folder / "tokenizer_config.json").write_text(json.dumps(named))
    return folder
