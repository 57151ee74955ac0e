"""Makes this folder: a tiny LLaMA (random weights), its linear maps in four bits as bitsandbytes holds them, and what transformers computes
with the dequantized weights and a LoRA. See README.md.

    python3 make.py

Needs torch, transformers 5, numpy, safetensors. Where bitsandbytes is installed, its own quantization is compared with the one below.
"""
import json
import os
from fractions import Fraction

import numpy as np
import torch
import transformers
from safetensors.torch import save_file
from transformers import LlamaConfig, LlamaForCausalLM

HERE = os.path.dirname(os.path.abspath(__file__))
F = np.float32


def literals(*texts):
    """float32 numbers as a C compiler reads them. By way of float64, as Python does it, the first border below would be the next number."""
    numbers = []
    for text in texts:
        near = F(float(text))
        numbers.append(min([near, np.nextafter(near, F(-2)), np.nextafter(near, F(2))], key=lambda number: abs(Fraction(float(number)) - Fraction(text))))
    return np.array(numbers, F)


# The 16 numbers of NormalFloat (QLoRA, appendix E), and the borders between them as bitsandbytes' kernels write them down.
NUMBERS = literals(
    "-1.0", "-0.6961928009986877", "-0.5250730514526367", "-0.39491748809814453", "-0.28444138169288635", "-0.18477343022823334",
    "-0.09105003625154495", "0.0", "0.07958029955625534", "0.16093020141124725", "0.24611230194568634", "0.33791524171829224",
    "0.44070982933044434", "0.5626170039176941", "0.7229568362236023", "1.0")
BORDERS = literals(
    "-0.8480964004993439", "-0.6106329262256622", "-0.4599952697753906", "-0.33967943489551544", "-0.23460740596055984",
    "-0.13791173323988914", "-0.045525018125772476", "0.03979014977812767", "0.1202552504837513", "0.2035212516784668",
    "0.2920137718319893", "0.3893125355243683", "0.5016634166240692", "0.6427869200706482", "0.8614784181118011")


def dynamic_numbers():
    """The signed dynamic 8-bit data type: for each power of ten from 1e-6 to 1, twice as many middles of equal parts of [0.1, 1] as for the one before."""
    numbers = [0.0, 1.0]
    for i in range(7):
        borders = torch.linspace(0.1, 1, 2 ** i + 1)
        middles = (borders[:-1] + borders[1:]) / 2.0
        numbers += (10 ** (i - 6) * middles).tolist() + (-(10 ** (i - 6)) * middles).tolist()
    return np.array(sorted(numbers), F)


DYNAMIC = dynamic_numbers()


def nearest_dynamic(x):
    """The search of bitsandbytes' kernel for 8-bit codes."""
    pivot, upper, lower = 127, 255, 0
    for step in (64, 32, 16, 8, 4, 2, 1):
        if x > DYNAMIC[pivot]:
            lower, pivot = pivot, pivot + step
        else:
            upper, pivot = pivot, pivot - step
    if x > DYNAMIC[pivot]:
        return upper if x > F(DYNAMIC[upper] + DYNAMIC[pivot]) * F(0.5) else pivot
    return lower if x < F(DYNAMIC[lower] + DYNAMIC[pivot]) * F(0.5) else pivot


def quantize(weight, block):
    """float32 numbers, row after row: two codes a byte (the first in the upper half), and each block's largest magnitude."""
    flat = weight.reshape(-1).astype(F)
    blocks = (len(flat) + block - 1) // block
    padded = np.zeros(blocks * block, F)
    padded[:len(flat)] = flat
    scales = np.abs(padded.reshape(blocks, block)).max(1)
    with np.errstate(divide="ignore", invalid="ignore"):
        scaled = padded.reshape(blocks, block) * (F(1) / scales)[:, None]
    codes = (scaled[:, :, None] > BORDERS).sum(2).astype(np.uint8).reshape(-1)[:len(flat)]
    return codes[::2] << 4 | codes[1::2], scales


def quantize_scales(scales):
    """Double quantization: the mean is taken off, and blocks of 256 get 8-bit codes."""
    mean = F(scales.astype(np.float64).mean())
    rest = scales - mean
    larger = np.array([np.abs(rest[i:i + 256]).max() for i in range(0, len(rest), 256)], F)
    with np.errstate(divide="ignore", invalid="ignore"):
        scaled = rest * np.repeat(F(1) / larger, 256)[:len(rest)]
    return np.array([nearest_dynamic(x) for x in scaled], np.uint8), larger, mean


def dequantized_scales(codes, larger, mean):
    return (DYNAMIC[codes] * np.repeat(larger, 256)[:len(codes)]) + mean


def dequantize(packed, scales, block, shape):
    codes = np.stack([packed >> 4, packed & 15], 1).reshape(-1)
    return (NUMBERS[codes] * np.repeat(scales, block)[:len(codes)]).reshape(shape)


def tensor(array):
    return torch.from_numpy(np.ascontiguousarray(array))


def edge():
    """Zeros throughout a block, numbers on the borders, a partial block, rows that end within blocks."""
    random = np.random.RandomState(5)
    flat = random.randn(6 * 50).astype(F)
    flat[64:128] = 0
    flat[128:143] = BORDERS
    flat[143] = -1
    flat[144:160] = NUMBERS
    flat[160:192] = random.uniform(-0.9, 0.9, 32)
    return flat.reshape(6, 50)


def whole(weight, block, double):
    packed, scales = quantize(weight, block)
    held = {"codes": tensor(packed), "absmax": tensor(scales)}
    if double:
        codes, larger, mean = quantize_scales(scales)
        held |= {"absmax": tensor(codes), "nested_absmax": tensor(larger), "nested_offset": torch.tensor([mean])}
        scales = dequantized_scales(codes, larger, mean)
    held["dequantized"] = tensor(dequantize(packed, scales, block, weight.shape))
    return held


def saved(weight, block, double, dtype):
    """What transformers saves of a bitsandbytes Linear4bit, without the map's name."""
    held = whole(weight, block, double)
    state = {"quant_type": "nf4", "blocksize": block, "dtype": dtype, "shape": list(weight.shape)}
    tensors = {"weight": held["codes"].reshape(-1, 1), "weight.absmax": held["absmax"], "weight.quant_map": tensor(NUMBERS)}
    if double:
        state |= {"nested_blocksize": 256, "nested_dtype": "float32", "nested_offset": held["nested_offset"].item()}
        tensors |= {"weight.nested_absmax": held["nested_absmax"], "weight.nested_quant_map": tensor(DYNAMIC)}
    tensors["weight.quant_state.bitsandbytes__nf4"] = torch.tensor(list(json.dumps(state).encode()), dtype=torch.uint8)
    return tensors


def compare_with_bitsandbytes(weights):
    try:
        import bitsandbytes.functional as theirs
        version = __import__("bitsandbytes").__version__
    except ImportError:
        return None
    for weight in weights:
        for double in (False, True):
            packed, state = theirs.quantize_4bit(tensor(weight), blocksize=64, quant_type="nf4", compress_statistics=double)
            own = whole(weight, 64, double)
            assert (packed.reshape(-1) == own["codes"]).all() and (state.absmax == own["absmax"]).all()
            assert (theirs.dequantize_4bit(packed, state) - own["dequantized"]).abs().max() < 1e-6
    return version


class Adapted(torch.nn.Module):
    """PEFT's LoRA of one map without dropout."""

    def __init__(self, base, a, b, scaling):
        super().__init__()
        self.base, self.a, self.b, self.scaling = base, torch.nn.Parameter(a), torch.nn.Parameter(b), scaling

    def forward(self, x):
        return self.base(x) + (x @ self.a.T @ self.b.T) * self.scaling


def main():
    assert len(DYNAMIC) == 256 and np.abs((NUMBERS[1:] + NUMBERS[:-1]) * F(0.5) - BORDERS).max() < 1e-7
    torch.manual_seed(0)
    torch.set_num_threads(1)
    config = LlamaConfig(
        hidden_size=64, intermediate_size=112, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2, vocab_size=96, max_position_embeddings=128,
        rms_norm_eps=1e-5, tie_word_embeddings=False, initializer_range=0.2, bos_token_id=1, eos_token_id=2, pad_token_id=0)
    model = LlamaForCausalLM(config).float().eval()
    state = {name: value.clone() for name, value in model.state_dict().items()}
    for name in state:
        if "norm" in name:
            state[name] = 1 + 0.1 * torch.randn(state[name].shape)
    model.load_state_dict(state)
    for folder in ("llama", "packed", "adapter"):
        os.makedirs(os.path.join(HERE, folder), exist_ok=True)
    plain = {
        "architectures": ["LlamaForCausalLM"], "bos_token_id": 1, "eos_token_id": 2, "hidden_act": "silu", "hidden_size": 64, "initializer_range": 0.2,
        "intermediate_size": 112, "max_position_embeddings": 128, "model_type": "llama", "num_attention_heads": 4, "num_hidden_layers": 2,
        "num_key_value_heads": 2, "pad_token_id": 0, "pretraining_tp": 1, "rms_norm_eps": 1e-05, "rope_scaling": None, "tie_word_embeddings": False,
        "torch_dtype": "float32", "transformers_version": "4.31.0", "use_cache": True, "vocab_size": 96}
    json.dump(plain, open(os.path.join(HERE, "llama", "config.json"), "w"), indent=1)
    save_file(state, os.path.join(HERE, "llama", "model.safetensors"), {"format": "pt"})

    linears = [name for name, module in model.named_modules() if isinstance(module, torch.nn.Linear) and name != "lm_head"]
    expected = {}
    for setting, block, double in (("plain", 64, False), ("double", 64, True), ("wide", 128, True)):
        cases = {"edge": edge()} | {name: state[f"{name}.weight"].numpy() for name in linears if ".0." in name}
        for name, weight in cases.items():
            expected |= {f"{setting}.{name}.{part}": value for part, value in whole(weight, block, double).items()}
    expected["edge"] = tensor(edge())
    expected["dynamic"] = tensor(DYNAMIC)
    short = state[f"{linears[0]}.weight"].bfloat16()
    expected["bfloat16.dequantized"] = whole(short.float().numpy(), 64, True)["dequantized"].bfloat16()

    packed = {name: value for name, value in state.items() if name.removesuffix(".weight") not in linears}
    for name in linears:
        weight = state[f"{name}.weight"].numpy()
        packed |= {f"{name}.{part}": value for part, value in saved(weight, 64, True, "float32").items()}
        state[f"{name}.weight"] = whole(weight, 64, True)["dequantized"]
    save_file({name: value.clone() for name, value in packed.items()}, os.path.join(HERE, "packed", "model.safetensors"), {"format": "pt"})
    plain["quantization_config"] = {
        "_load_in_4bit": True, "_load_in_8bit": False, "bnb_4bit_compute_dtype": "float32", "bnb_4bit_quant_storage": "uint8", "bnb_4bit_quant_type": "nf4",
        "bnb_4bit_use_double_quant": True, "llm_int8_enable_fp32_cpu_offload": False, "llm_int8_has_fp16_weight": False, "llm_int8_skip_modules": ["lm_head"],
        "llm_int8_threshold": 6.0, "load_in_4bit": True, "load_in_8bit": False, "quant_method": "bitsandbytes"}
    json.dump(plain, open(os.path.join(HERE, "packed", "config.json"), "w"), indent=1)

    full = model(torch.arange(3, 30)[None]).logits
    model.load_state_dict(state)
    ids = torch.randint(3, 96, (2, 19))
    ids[:, 0] = 1
    labels = ids.clone()
    labels[0, :8] = -100
    labels[1, :5] = -100
    expected |= {"ids": ids, "labels": labels}
    with torch.no_grad():
        expected["logits"] = model(ids).logits.clone()
        moved = (model(torch.arange(3, 30)[None]).logits - full).abs().max().item()

    rank, alpha, adapter = 4, 8, {}
    for name in linears:
        parent, leaf = model.get_submodule(name.rsplit(".", 1)[0]), name.rsplit(".", 1)[1]
        base = getattr(parent, leaf).requires_grad_(False)
        a, b = torch.randn(rank, base.in_features) * 0.1, torch.randn(base.out_features, rank) * 0.1
        adapter[f"base_model.model.{name}.lora_A.weight"], adapter[f"base_model.model.{name}.lora_B.weight"] = a, b
        setattr(parent, leaf, Adapted(base, a.clone(), b.clone(), alpha / rank))
    save_file(adapter, os.path.join(HERE, "adapter", "adapter_model.safetensors"), {"format": "pt"})
    json.dump(
        {"base_model_name_or_path": "llama", "bias": "none", "fan_in_fan_out": False, "inference_mode": True, "lora_alpha": alpha, "lora_dropout": 0.0,
         "modules_to_save": None, "peft_type": "LORA", "r": rank, "target_modules": ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"],
         "task_type": "CAUSAL_LM"}, open(os.path.join(HERE, "adapter", "adapter_config.json"), "w"), indent=1)
    for parameter in [model.model.embed_tokens.weight, model.lm_head.weight]:
        parameter.requires_grad_(False)
    logits = model(ids).logits
    expected["adapted.logits"] = logits.detach().clone()
    loss = torch.nn.functional.cross_entropy(logits[:, :-1].reshape(-1, 96), labels[:, 1:].reshape(-1))
    loss.backward()
    for name in linears:
        map = model.get_submodule(name)
        expected[f"grad.base_model.model.{name}.lora_A.weight"], expected[f"grad.base_model.model.{name}.lora_B.weight"] = map.a.grad, map.b.grad
    save_file({name: value.contiguous() for name, value in expected.items()}, os.path.join(HERE, "expected.safetensors"))
    weights = [edge()] + [value.numpy() for name, value in LlamaForCausalLM(config).state_dict().items() if "proj" in name]
    json.dump(
        {"seed": 0, "loss": loss.item(), "rank": rank, "alpha": alpha, "largest_change_of_logits_by_quantization": moved,
         "versions": {"torch": torch.__version__, "transformers": transformers.__version__, "numpy": np.__version__,
                      "bitsandbytes": compare_with_bitsandbytes(weights)}}, open(os.path.join(HERE, "meta.json"), "w"), indent=1)
    print(open(os.path.join(HERE, "meta.json")).read())


main()
