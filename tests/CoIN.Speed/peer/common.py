"""What both peer scripts share: the workload's files, process memory, and the protocol with the benchmark.

The benchmark sends one line per request ("warm TASK", "run TASK", "memory" or "quit") and gets one line of JSON back.
"""
import json
import os
import sys
import time

import torch
from transformers import LlavaForConditionalGeneration

IMAGE_PLACEHOLDER = -200
IGNORED = -100
DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}


def status(field):
    """A field of /proc/self/status in bytes."""
    with open("/proc/self/status") as lines:
        for line in lines:
            if line.startswith(field + ":"):
                return int(line.split()[1]) * 1024
    raise RuntimeError(f"/proc/self/status has no {field}")


class Peak:
    """Highest resident memory from here on, and what was resident before."""

    def __init__(self):
        with open("/proc/self/clear_refs", "w") as file:
            file.write("5")
        self.baseline = status("VmRSS")

    def report(self):
        return {"baseline": self.baseline, "peak": status("VmHWM")}


class Workload:
    def __init__(self, folder):
        with open(os.path.join(folder, "workload.json")) as file:
            self.spec = json.load(file)
        torch.set_num_threads(self.spec["threads"])
        self.dtype = DTYPES[self.spec["dtype"]]
        self.image_tokens = self.spec["imageTokens"]
        self.image_id = self.spec["imageTokenId"]
        size = self.spec["imageSize"]
        self.pixels = torch.from_file(
            os.path.join(folder, "pixels.bin"), size=self.spec["pictures"] * 3 * size * size, dtype=torch.float32
        ).view(-1, 3, size, size)
        path = os.path.join(folder, "model")
        if self.spec["family"] == "minigpt-v2":
            from minigpt import MiniGpt

            self.model = MiniGpt(path, self.dtype, self.image_id)
            self.layers, self.projector = self.model.language.model.layers, self.model.projector
        else:
            self.model = LlavaForConditionalGeneration.from_pretrained(path, dtype=self.dtype)
            inner = self.model.model
            self.layers = (inner.language_model if hasattr(inner, "language_model") else self.model.language_model.model).layers
            self.projector = inner.multi_modal_projector if hasattr(inner, "multi_modal_projector") else self.model.multi_modal_projector

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
        a, b = torch.randn(1024, 1024, dtype=self.dtype), torch.randn(1024, 1024, dtype=self.dtype)
        best = 0.0
        for _ in range(5):
            start = time.perf_counter()
            for _ in range(4):
                a @ b
            best = max(best, 4 * 2 * 1024**3 / (time.perf_counter() - start) / 1e9)
        return best


def serve(workload, run):
    """Answers the benchmark's requests; run(task, warm) gives a dictionary with the seconds it took."""
    gemm = workload.gemm()
    import transformers

    peak = Peak()
    hello = {"gemm": gemm, "versions": f"torch {torch.__version__}, transformers {transformers.__version__}"}
    print(json.dumps(hello), flush=True)
    for line in sys.stdin:
        words = line.split()
        if words[0] == "quit":
            break
        reply = peak.report() if words[0] == "memory" else run(words[1], words[0] == "warm")
        print(json.dumps(reply), flush=True)
