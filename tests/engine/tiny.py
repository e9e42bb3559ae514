"""A random model of two layers, made by the test: every branch of decoding in milliseconds, and text of any kind.

Its vocabulary is shaped like SmolLM2's: all bytes, some merges, ChatML's control tokens. Its adapters are as random.
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np

from tests.engine.ggufs import text

WIDTH, HEADS, LAYERS, INNER = 64, 2, 2, 128
CONTROL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
MERGES = [
    "i n", "e r", "Ġ a", "Ġ t", "Ċ Ċ", "o n", "Ġt h", "1 2", "Ġ Ġ", "n o", "no n", "non e", "y e", "ye s", '" ,',
    ". Ċ", "L in", "Lin e", "Ġ Ċ", "Ã ©", "Ġ 1", "e Ċ",
]  # fmt: skip
TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
_KINDS: dict[type, int] = {bool: 7, int: 4, float: 6, str: 8}
_FORMATS = {7: "<?", 4: "<I", 6: "<f"}


def make(path: Path, *, seed: int = 0, window: int = 0, scale: float = 1.0, architecture: str = "llama") -> Path:
    """Write a model. With a `window` every other layer looks back at so many tokens only (Gemma's way)."""
    random = np.random.default_rng(seed)
    tokens = [*CONTROL, *_bytes().values(), *("".join(pair.split()) for pair in MERGES)]
    keys: dict[str, Any] = {
        "general.architecture": architecture, "general.name": "Tiny", "general.license": "mit",
        **{f"{architecture}.{key}": value for key, value in _shape().items()},
        "tokenizer.ggml.model": "gpt2", "tokenizer.ggml.pre": "smollm", "tokenizer.ggml.tokens": tokens,
        "tokenizer.ggml.token_type": [3] * len(CONTROL) + [1] * (len(tokens) - len(CONTROL)),
        "tokenizer.ggml.merges": MERGES, "tokenizer.ggml.bos_token_id": 1, "tokenizer.ggml.eos_token_id": 2,
        "tokenizer.ggml.add_bos_token": False, "tokenizer.chat_template": TEMPLATE,
    }  # fmt: skip
    if window:
        keys |= {f"{architecture}.attention.sliding_window": window}
    tensors = _tensors(random, len(tokens), scale, gemma=architecture.startswith("gemma"))
    path.write_bytes(_file(keys, tensors))
    return path


def make_adapter(path: Path, *, seed: int = 1, rank: int = 4, scale: float = 4.0) -> Path:
    """Write a LoRA adapter that fits the model, and changes what it says."""
    random = np.random.default_rng(seed)
    keys = {
        "general.architecture": "llama", "general.type": "adapter", "adapter.type": "lora",
        "adapter.lora.alpha": float(rank),
    }  # fmt: skip
    tensors = {}
    for layer in range(LAYERS):
        for name in ("attn_q", "ffn_down"):
            inner = INNER if name == "ffn_down" else WIDTH
            tensors[f"blk.{layer}.{name}.weight.lora_a"] = random.normal(0, scale / inner**0.5, (rank, inner))
            tensors[f"blk.{layer}.{name}.weight.lora_b"] = random.normal(0, scale / rank**0.5, (WIDTH, rank))
    path.write_bytes(_file(keys, tensors))
    return path


def _shape() -> dict[str, Any]:
    return {
        "context_length": 4096, "embedding_length": WIDTH, "block_count": LAYERS, "feed_forward_length": INNER,
        "attention.head_count": HEADS, "attention.head_count_kv": 1, "attention.key_length": WIDTH // HEADS,
        "attention.value_length": WIDTH // HEADS, "attention.layer_norm_rms_epsilon": 1e-5,
        "rope.dimension_count": WIDTH // HEADS, "rope.freq_base": 10000.0,
    }  # fmt: skip


def _tensors(random: np.random.Generator, vocabulary: int, scale: float, *, gemma: bool) -> dict[str, Any]:
    def weight(rows: int, columns: int) -> Any:
        return random.normal(0, scale / columns**0.5, (rows, columns))

    head = WIDTH // HEADS
    found: dict[str, Any] = {"token_embd.weight": random.normal(0, 1, (vocabulary, WIDTH))}
    norms = ["attn_norm", "ffn_norm"] + ["post_attention_norm", "post_ffw_norm"] * gemma
    for layer in range(LAYERS):
        own = {f"{norm}.weight": np.ones(WIDTH) for norm in norms}
        own |= {f"{norm}.weight": np.ones(head) for norm in ["attn_q_norm", "attn_k_norm"] * gemma}
        own |= {
            "attn_q.weight": weight(WIDTH, WIDTH), "attn_k.weight": weight(head, WIDTH),
            "attn_v.weight": weight(head, WIDTH), "attn_output.weight": weight(WIDTH, WIDTH),
            "ffn_gate.weight": weight(INNER, WIDTH), "ffn_up.weight": weight(INNER, WIDTH),
            "ffn_down.weight": weight(WIDTH, INNER),
        }  # fmt: skip
        found |= {f"blk.{layer}.{name}": tensor for name, tensor in own.items()}
    found["output_norm.weight"] = np.ones(WIDTH)
    found["output.weight"] = weight(vocabulary, WIDTH) * 2
    return found


def _bytes() -> dict[int, str]:
    """Each byte as GPT-2's vocabularies write it."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in plain]
    found = {byte: chr(byte) for byte in plain} | {byte: chr(256 + at) for at, byte in enumerate(others)}
    return dict(sorted(found.items()))


def _file(keys: dict[str, Any], tensors: dict[str, Any]) -> bytes:
    head = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(keys))
    head += b"".join(text(key) + _value(value) for key, value in keys.items())
    data = b""
    for name, tensor in tensors.items():
        shape = tensor.shape[::-1]
        head += text(name) + struct.pack(f"<I{len(shape)}QIQ", len(shape), *shape, 0, len(data))
        data += tensor.astype("<f4").tobytes()
        data += b"\0" * (-len(data) % 32)
    return head + b"\0" * (-len(head) % 32) + data


def _value(value: Any) -> bytes:
    if isinstance(value, list):
        kind = 5 if isinstance(value[0], int) else 8  # llama.cpp insists on signed numbers in lists
        return struct.pack("<IIQ", 9, kind, len(value)) + b"".join(_plain(one) for one in value)
    return struct.pack("<I", _KINDS[type(value)]) + _plain(value)


def _plain(value: Any) -> bytes:
    return text(value) if isinstance(value, str) else struct.pack(_FORMATS[_KINDS[type(value)]], value)
