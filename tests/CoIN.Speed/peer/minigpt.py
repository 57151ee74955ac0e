"""MiniGPT-v2 in plain PyTorch around transformers' LlamaForCausalLM: EVA's tower, its norm, four neighbours joined, one linear map."""
import json
import os

import torch
from safetensors.torch import load_file
from torch import nn
from torch.nn import functional as F
from transformers import LlamaConfig, LlamaForCausalLM

from spliced import Spliced


class Block(nn.Module):
    def __init__(self, size, inner, heads, eps):
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(size, eps=eps), nn.LayerNorm(size, eps=eps)
        self.qkv = nn.Linear(size, 3 * size, bias=False)
        self.q_bias, self.v_bias = nn.Parameter(torch.zeros(size)), nn.Parameter(torch.zeros(size))
        self.proj = nn.Linear(size, size)
        self.fc1, self.fc2 = nn.Linear(size, inner), nn.Linear(inner, size)

    def forward(self, x):
        pictures, positions, size = x.shape
        bias = torch.cat([self.q_bias, torch.zeros_like(self.q_bias), self.v_bias])
        qkv = F.linear(self.norm1(x), self.qkv.weight, bias).view(pictures, positions, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        attended = F.scaled_dot_product_attention(qkv[0], qkv[1], qkv[2]).transpose(1, 2).reshape(pictures, positions, size)
        x = x + self.proj(attended)
        return x + self.fc2(F.gelu(self.fc1(self.norm2(x))))


class Tower(nn.Module):
    def __init__(self, config):
        super().__init__()
        size, patch = config["hidden_size"], config["patch_size"]
        positions = (config["image_size"] // patch) ** 2 + 1
        self.cls_token, self.pos_embed = nn.Parameter(torch.zeros(1, 1, size)), nn.Parameter(torch.zeros(1, positions, size))
        self.patch_embed = nn.Conv2d(3, size, patch, patch)
        self.blocks = nn.ModuleList(
            Block(size, config["intermediate_size"], config["num_attention_heads"], config["layer_norm_eps"])
            for _ in range(config["num_hidden_layers"]))

    def forward(self, pixels):
        x = self.patch_embed(pixels).flatten(2).transpose(1, 2)
        x = torch.cat([self.cls_token.expand(len(x), -1, -1), x], 1) + self.pos_embed
        for block in self.blocks:
            x = block(x)
        return x


class MiniGpt(Spliced):
    def __init__(self, folder, dtype, image_id):
        super().__init__()
        with open(os.path.join(folder, "config.json")) as file:
            config = json.load(file)
        self.image_id, self.joined = image_id, config["vision_tokens_joined"]
        self.tower = Tower(config["vision_config"])
        size = config["vision_config"]["hidden_size"]
        self.norm = nn.LayerNorm(size, eps=config["vision_norm_eps"])
        self.projector = nn.Linear(self.joined * size, config["text_config"]["hidden_size"])
        self.language = LlamaForCausalLM(LlamaConfig(**config["text_config"]))
        self.load_state_dict({self.named(name): tensor for name, tensor in load_file(os.path.join(folder, "model.safetensors")).items()}, strict=False)
        self.to(dtype)

    @staticmethod
    def named(name):
        for old, new in [("visual_encoder.", "tower."), ("ln_vision.", "norm."), ("llama_proj.", "projector."), ("llama_model.", "language."),
                         ("patch_embed.proj.", "patch_embed."), (".attn.", "."), (".mlp.fc", ".fc")]:
            if new != "." or name.startswith("tower."):
                name = name.replace(old, new)
        return name

    @property
    def layers(self):
        return self.language.model.layers

    def pictures(self, pixel_values):
        with torch.no_grad():
            features = self.norm(self.tower(pixel_values))[:, 1:]
        return self.projector(features.reshape(len(features), -1, self.joined * features.shape[-1]))
