"""LoRA training in plain transformers, as one writes it in Python: right padding, full logits, AdamW. LoRA is PEFT's on a GPU that has PEFT, hand-written modules otherwise.

    python train.py FOLDER
"""
import importlib.util
import math
import random
import sys
import time

import torch
from torch import nn

from common import IGNORED, Workload, serve, wait


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
        if isinstance(child, nn.Linear) and (workload.lora_targets is None or name in workload.lora_targets):
            setattr(module, name, LoraLinear(child, spec["loraRank"], spec["loraAlpha"], spec["loraDropout"]))
        else:
            add_lora(child, spec)


workload = Workload(sys.argv[1])
spec = workload.spec
model = workload.model
torch.manual_seed(spec["seed"])
model.requires_grad_(False)
lora = "hand-written LoRA"
if workload.device.type != "cpu" and importlib.util.find_spec("peft"):
    import peft

    lora = f"peft {peft.__version__}"
    found = {id(module) for layer in workload.layers for module in layer.modules() if isinstance(module, nn.Linear)}
    targets = workload.lora_targets
    names = [name for name, module in model.named_modules() if id(module) in found and (targets is None or name.split(".")[-1] in targets)]
    model = peft.get_peft_model(model, peft.LoraConfig(
        r=spec["loraRank"], lora_alpha=spec["loraAlpha"], lora_dropout=spec["loraDropout"], target_modules=names, bias="none"))
else:
    add_lora(workload.layers, spec)
    model.to(workload.device)
projector = [] if workload.projector is None else list(workload.projector.parameters())
for parameter in projector:
    parameter.requires_grad_(True)
# What is trained is float32, as in CoIN.Actors.
for parameter in model.parameters():
    if parameter.requires_grad and not any(parameter is one for one in projector):
        parameter.data = parameter.data.float()
if spec.get("gradientCheckpointing"):
    model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
    model.config.use_cache = False
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
    # A micro-batch of one sample has no padding, and needs no mask of it.
    whole = {} if len(samples) == 1 else {"attention_mask": mask.to(workload.device)}
    return dict(input_ids=input_ids.to(workload.device), labels=labels.to(workload.device), pixel_values=pixels.to(workload.device), **whole)


def run(task, warm):
    order = list(spec["training"])
    random.shuffle(order)
    size = spec["batchSize"]
    batches = [order[i:i + size] for i in range(0, len(order), size)]
    losses = []
    wait(workload.device)
    start = time.perf_counter()
    for samples in batches[:1] if warm else batches:
        # As the Trainer does it with bf16: what is trained is float32, and its products are in bfloat16.
        with torch.autocast("cuda", torch.bfloat16, enabled=workload.device.type == "cuda" and workload.dtype == torch.bfloat16):
            loss = model(**batch(samples)).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        optimizer.step()
        optimizer.zero_grad()
        losses.append(loss.item())
    wait(workload.device)
    return {"seconds": time.perf_counter() - start, "loss": sum(losses) / len(losses)}


serve(workload, run, lora)
