"""What both peer scripts share: the workload's files, process memory, and the protocol with the benchmark.

The benchmark sends one line per request ("warm TASK", "run TASK", "memory" or "quit") and gets one line of JSON back.
"""
import importlib.util
import json
import os
import sys
import time

import torch
from transformers import LlavaForConditionalGeneration

IMAGE_PLACEHOLDER = -200
IGNORED = -100
FAMILIES = {"minigpt-v2": ("minigpt", "MiniGpt"), "qwen-vl": ("qwenvl", "QwenVl"), "qwen2.5-vl": ("qwen25vl", "Qwen25Vl")}
DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}


def status(field):
    """A field of /proc/self/status in bytes."""
    with open("/proc/self/status") as lines:
        for line in lines:
            if line.startswith(field + ":"):
                return int(line.split()[1]) * 1024
    raise RuntimeError(f"/proc/self/status has no {field}")


class Peak:
    """Highest memory from here on, and what was held before: resident, or of the device where that is not the CPU."""

    def __init__(self, device):
        self.device = device
        if device.type == "cpu":
            with open("/proc/self/clear_refs", "w") as file:
                file.write("5")
            self.baseline = status("VmRSS")
        else:
            torch.cuda.reset_peak_memory_stats(device)
            self.baseline = torch.cuda.memory_allocated(device)

    def report(self):
        if self.device.type == "cpu":
            return {"baseline": self.baseline, "peak": status("VmHWM")}
        return {"baseline": self.baseline, "peak": torch.cuda.max_memory_allocated(self.device), "reserved": torch.cuda.max_memory_reserved(self.device)}


def wait(device):
    """Until the device has done all that it was given: before a clock is read."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


class Workload:
    def __init__(self, folder):
        with open(os.path.join(folder, "workload.json")) as file:
            self.spec = json.load(file)
        torch.set_num_threads(self.spec["threads"])
        self.dtype = DTYPES[self.spec["dtype"]]
        self.device = torch.device(self.spec.get("device", "cpu"))
        # The fastest attention that is there; flash attention is for short types only.
        flash = self.device.type == "cuda" and self.dtype != torch.float32 and importlib.util.find_spec("flash_attn") is not None
        self.attention = "flash_attention_2" if flash else "sdpa"
        self.image_tokens = self.spec["imageTokens"]
        self.image_id = self.spec["imageTokenId"]
        size = self.spec["imageSize"]
        self.pixels = torch.from_file(
            os.path.join(folder, "pixels.bin"), size=self.spec["pictures"] * 3 * size * size, dtype=torch.float32
        ).view(-1, 3, size, size)
        path = os.path.join(folder, "model")
        if self.spec["family"] in FAMILIES:
            module, name = FAMILIES[self.spec["family"]]
            self.model = getattr(importlib.import_module(module), name)(path, self.dtype, self.image_id)
            self.layers, self.projector = self.model.layers, getattr(self.model, "projector", None)
            self.lora_targets = self.model.lora_targets or self.spec["loraTargets"]
        else:
            self.model = LlavaForConditionalGeneration.from_pretrained(path, dtype=self.dtype, attn_implementation=self.attention)
            inner = self.model.model
            self.layers = (inner.language_model if hasattr(inner, "language_model") else self.model.language_model.model).layers
            self.projector = inner.multi_modal_projector if hasattr(inner, "multi_modal_projector") else self.model.multi_modal_projector
            self.lora_targets = self.spec["loraTargets"]

        self.model.to(self.device)

    def expand(self, ids, labels=None):
        """A placeholder becomes as many image tokens as the tower has patches, as the processor does it."""
        out_ids, out_labels = [], []
        for i, token in enumerate(ids):
            count = self.image_tokens if token == IMAGE_PLACEHOLDER else 1
            out_ids += [self.image_id if token == IMAGE_PLACEHOLDER else token] * count
            out_labels += [labels[i] if labels else IGNORED] * count
        return out_ids, out_labels

    def gemm(self):
        """GFLOP/s of a plain matrix product."""
        size = 1024 if self.device.type == "cpu" else 8192
        a, b = (torch.randn(size, size).to(self.device, self.dtype) for _ in range(2))
        best = 0.0
        for _ in range(5):
            wait(self.device)
            start = time.perf_counter()
            for _ in range(4):
                a @ b
            wait(self.device)
            best = max(best, 4 * 2 * size**3 / (time.perf_counter() - start) / 1e9)
        return best


def serve(workload, run, *further):
    """Answers the benchmark's requests; run(task, warm) gives a dictionary with the seconds it took. What is further to be known of this side are texts."""
    gemm = workload.gemm()
    import transformers

    peak = Peak(workload.device)
    versions = [f"torch {torch.__version__}", f"transformers {transformers.__version__}", *further, workload.attention]
    hello = {"gemm": gemm, "versions": ", ".join(versions)}
    print(json.dumps(hello), flush=True)
    for line in sys.stdin:
        words = line.split()
        if words[0] == "quit":
            break
        reply = peak.report() if words[0] == "memory" else run(words[1], words[0] == "warm")
        print(json.dumps(reply), flush=True)
