"""LoRA training in plain transformers, as one writes it in Python: hand-written LoRA modules, right padding, full logits, AdamW.

    python train.py FOLDER
"""
import math
import random
import sys
import time

import torch
from torch import nn

from common import IGNORED, Workload, serve


class LoraLinear(nn.Module):
    def __init__(self, base, rank, alpha, dropout):
        super().__init__()
        self.base = base
        self.dropout = nn.Dropout(dropout)
        self.scaling = alpha / rank
        self.a = nn.Parameter(torch.empty(rank, base.in_features))
        self.b = nn.Parameter(torch.zeros(base.out_features, rank))
        nn.init.kaiming_uniform_(self.a, a=math.sqrt(5))

    def forward(self, x):
        update = nn.functional.linear(nn.functional.linear(self.dropout(x), self.a.to(x.dtype)), self.b.to(x.dtype))
        return self.base(x) + self.scaling * update


def add_lora(module, spec):
    for name, child in module.named_children():
        if isinstance(child, nn.Linear) and (spec["loraTargets"] is None or name in spec["loraTargets"]):
            setattr(module, name, LoraLinear(child, spec["loraRank"], spec["loraAlpha"], spec["loraDropout"]))
        else:
            add_lora(child, spec)


workload = Workload(sys.argv[1])
spec = workload.spec
model = workload.model
torch.manual_seed(spec["seed"])
model.requires_grad_(False)
add_lora(workload.layers, spec)
workload.projector.requires_grad_(True)
trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
optimizer = torch.optim.AdamW(trained, lr=spec["learningRate"], weight_decay=0.0)
model.train()


def batch(samples):
    rows = [workload.expand(sample["ids"], sample["labels"]) for sample in samples]
    longest = max(len(ids) for ids, _ in rows)
    input_ids = torch.tensor([ids + [0] * (longest - len(ids)) for ids, _ in rows])
    labels = torch.tensor([labels + [IGNORED] * (longest - len(labels)) for _, labels in rows])
    mask = torch.tensor([[1] * len(ids) + [0] * (longest - len(ids)) for ids, _ in rows])
    pixels = workload.pixels[[sample["picture"] for sample in samples]].to(workload.dtype)
    return dict(input_ids=input_ids, labels=labels, attention_mask=mask, pixel_values=pixels)


def run(task, warm):
    order = list(spec["training"])
    random.shuffle(order)
    size = spec["batchSize"]
    batches = [order[i:i + size] for i in range(0, len(order), size)]
    losses = []
    start = time.perf_counter()
    for samples in batches[:1] if warm else batches:
        loss = model(**batch(samples)).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        optimizer.step()
        optimizer.zero_grad()
        losses.append(loss.item())
    return {"seconds": time.perf_counter() - start, "loss": sum(losses) / len(losses)}


serve(workload, run)
