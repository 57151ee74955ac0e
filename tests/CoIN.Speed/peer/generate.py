"""Greedy answers by transformers' generate, in batches padded on the left.

    python generate.py FOLDER BATCH_SIZE
"""
import sys
import time

import torch
from transformers import GenerationConfig, StoppingCriteria, StoppingCriteriaList

from common import Workload, serve, wait


class Lengths(StoppingCriteria):
    """Ends every answer at its own length, as an end-of-sequence token would."""

    def __init__(self, prompt, lengths):
        self.prompt = prompt
        self.lengths = torch.tensor(lengths, device=workload.device)

    def __call__(self, input_ids, scores, **kwargs):
        return input_ids.shape[1] - self.prompt >= self.lengths


workload = Workload(sys.argv[1])
size = int(sys.argv[2])
model = workload.model.eval()


def answer(samples, longest_answer):
    rows = [workload.expand(sample["ids"])[0] for sample in samples]
    longest = max(len(ids) for ids in rows)
    input_ids = torch.tensor([[0] * (longest - len(ids)) + ids for ids in rows])
    mask = torch.tensor([[0] * (longest - len(ids)) + [1] * len(ids) for ids in rows])
    pixels = workload.pixels[[sample["picture"] for sample in samples]].to(workload.dtype)
    lengths = [sample["answer"] for sample in samples]
    settings = GenerationConfig(do_sample=False, max_new_tokens=longest_answer, use_cache=True, pad_token_id=0, eos_token_id=None)
    out = model.generate(
        input_ids=input_ids.to(workload.device), attention_mask=mask.to(workload.device), pixel_values=pixels.to(workload.device), generation_config=settings,
        stopping_criteria=StoppingCriteriaList([Lengths(longest, lengths)]),
    )
    return [row[longest:longest + length].tolist() for row, length in zip(out, lengths)]


def run(task, warm):
    questions = next(one for one in spec_tasks() if one["name"] == task)
    samples = questions["samples"][:size] if warm else questions["samples"]
    answers = []
    wait(workload.device)
    start = time.perf_counter()
    with torch.inference_mode():
        for i in range(0, len(samples), size):
            answers += answer(samples[i:i + size], questions["maxNewTokens"])
    wait(workload.device)
    return {"seconds": time.perf_counter() - start, "answers": answers}


def spec_tasks():
    return workload.spec["evaluation"]


serve(workload, run)
