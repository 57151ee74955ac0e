"""Qwen-VL in plain PyTorch around transformers' Qwen2ForCausalLM, whose layers are Qwen-1's: the tower with positions stretched to the
picture's patches, and the resampler. The fused map c_attn is three maps here."""
import json
import math
import os

import torch
from safetensors.torch import load_file
from torch import nn
from torch.nn import functional as F
from transformers import Qwen2Config, Qwen2ForCausalLM

from spliced import Spliced


def stretched(positions, patches):
    """A table of a square of places for another number of patches (bicubic)."""
    side, across = math.isqrt(len(positions)), math.isqrt(patches)
    square = positions.float().view(1, side, side, -1).permute(0, 3, 1, 2)
    return F.interpolate(square, size=(across, across), mode="bicubic", align_corners=False).permute(0, 2, 3, 1).reshape(patches, -1).to(positions.dtype)


class Block(nn.Module):
    def __init__(self, size, inner, heads):
        super().__init__()
        self.heads = heads
        self.ln_1, self.ln_2 = nn.LayerNorm(size, eps=1e-6), nn.LayerNorm(size, eps=1e-6)
        self.in_proj, self.out_proj = nn.Linear(size, 3 * size), nn.Linear(size, size)
        self.c_fc, self.c_proj = nn.Linear(size, inner), nn.Linear(inner, size)

    def forward(self, x):
        pictures, patches, size = x.shape
        q, k, v = self.in_proj(self.ln_1(x)).view(pictures, patches, self.heads, 3, -1).permute(3, 0, 2, 1, 4)
        x = x + self.out_proj(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(pictures, patches, size))
        return x + self.c_proj(F.gelu(self.c_fc(self.ln_2(x))))


class Tower(nn.Module):
    def __init__(self, config, patches):
        super().__init__()
        size, inner, out = config["width"], int(config["width"] * config["mlp_ratio"]), config["output_dim"]
        self.conv1 = nn.Conv2d(3, size, config["patch_size"], config["patch_size"], bias=False)
        self.positional_embedding = nn.Parameter(torch.zeros(patches, size))
        self.ln_pre = nn.LayerNorm(size, eps=1e-6)
        self.blocks = nn.ModuleList(Block(size, inner, config["heads"]) for _ in range(config["layers"]))
        self.heads = out // 128
        self.kv_proj = nn.Linear(size, out, bias=False)
        self.query, self.query_positions = nn.Parameter(torch.zeros(256, out)), nn.Parameter(torch.zeros(256, out))
        self.key_positions = nn.Parameter(torch.zeros(patches, out))
        self.ln_q, self.ln_kv, self.ln_post = (nn.LayerNorm(out, eps=1e-6) for _ in range(3))
        self.q, self.k, self.v, self.out = (nn.Linear(out, out) for _ in range(4))
        self.proj = nn.Parameter(torch.zeros(out, out))

    def forward(self, pixels):
        x = self.ln_pre(self.conv1(pixels).flatten(2).transpose(1, 2) + self.positional_embedding)
        for block in self.blocks:
            x = block(x)
        x = self.ln_kv(self.kv_proj(x))
        q = self.q(self.ln_q(self.query) + self.query_positions).expand(len(x), -1, -1)
        q, k, v = (part.view(len(x), part.shape[1], self.heads, -1).transpose(1, 2) for part in (q, self.k(x + self.key_positions), self.v(x)))
        attended = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(len(x), -1, self.proj.shape[0])
        return self.ln_post(self.out(attended)) @ self.proj


class QwenVl(Spliced):
    lora_targets = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj"]

    def __init__(self, folder, dtype, image_id):
        super().__init__()
        with open(os.path.join(folder, "config.json")) as file:
            config = json.load(file)
        self.image_id, visual = image_id, config["visual"]
        patches = (visual["image_size"] // visual["patch_size"]) ** 2
        self.tower = Tower(visual, patches)
        self.language = Qwen2ForCausalLM(Qwen2Config(
            vocab_size=config["vocab_size"], hidden_size=config["hidden_size"], intermediate_size=config["intermediate_size"] // 2,
            num_hidden_layers=config["num_hidden_layers"], num_attention_heads=config["num_attention_heads"], num_key_value_heads=config["num_attention_heads"],
            rms_norm_eps=config["layer_norm_epsilon"], max_position_embeddings=config["max_position_embeddings"], tie_word_embeddings=False,
            rope_parameters={"rope_type": "default", "rope_theta": config["rotary_emb_base"]}))
        self.load_state_dict(self.renamed(load_file(os.path.join(folder, "model.safetensors")), patches))
        self.to(dtype)

    @staticmethod
    def renamed(weights, patches):
        tower = {"attn_pool.attn.out_proj.": "out.", "attn_pool.query": "query", "attn_pool.": "", "transformer.resblocks.": "blocks.", ".attn.": ".", ".mlp.": "."}
        language = {"transformer.wte.": "model.embed_tokens.", "transformer.ln_f.": "model.norm.", "transformer.h.": "model.layers.", ".ln_1.": ".input_layernorm.",
                    ".ln_2.": ".post_attention_layernorm.", ".attn.c_proj.": ".self_attn.o_proj.", ".mlp.w1.": ".mlp.up_proj.", ".mlp.w2.": ".mlp.gate_proj.",
                    ".mlp.c_proj.": ".mlp.down_proj."}
        result = {}
        for name, tensor in weights.items():
            visual = name.startswith("transformer.visual.")
            new = name.removeprefix("transformer.visual.")
            for old, to in (tower if visual else language).items():
                new = new.replace(old, to)
            if new == "positional_embedding":
                result["tower." + new] = stretched(tensor, patches)
            elif new == "pos_embed":
                result["tower.query_positions"], result["tower.key_positions"] = tensor, stretched(tensor, patches)
            elif ".attn.in_proj_" in name:
                for part, value in zip("qkv", tensor.chunk(3)):
                    result[f"tower.{part}.{name.rsplit('_', 1)[1]}"] = value
            elif ".attn.c_attn." in name:
                for part, value in zip("qkv", tensor.chunk(3)):
                    result["language." + new.replace(".attn.c_attn.", f".self_attn.{part}_proj.")] = value
            else:
                result[("tower." if visual else "language.") + new] = tensor
        return result

    @property
    def layers(self):
        return self.language.model.layers

    def pictures(self, pixel_values):
        with torch.no_grad():
            return self.tower(pixel_values)
