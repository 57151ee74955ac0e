"""Makes this folder: a tiny Qwen2.5-VL (random weights) and what transformers computes with it. See README.md.

    python3 make.py QWEN2_TINY_TOKENIZER

QWEN2_TINY_TOKENIZER: the folder qwen2-tiny/tokenizer beside this one, whose byte-level vocabulary is used. Needs torch, transformers 5, Pillow.
"""
import json
import os
import shutil
import sys

import numpy as np
import torch
from PIL import Image
from safetensors.torch import save_file
from transformers import Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil
from transformers import PreTrainedTokenizerFast
from tokenizers import Tokenizer

HERE = os.path.dirname(os.path.abspath(__file__))
MODEL = os.path.join(HERE, "model")
SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|object_ref_start|>", "<|object_ref_end|>", "<|box_start|>", "<|box_end|>",
           "<|quad_start|>", "<|quad_end|>", "<|vision_start|>", "<|vision_end|>", "<|vision_pad|>", "<|image_pad|>", "<|video_pad|>"]
PLAIN = ["<tool_call>", "</tool_call>"]
TEMPLATE = (
    "{% for message in messages %}{% if loop.first and message['role'] != 'system' %}<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n{% endif %}"
    "<|im_start|>{{ message['role'] }}\n{% if message['content'] is string %}{{ message['content'] }}<|im_end|>\n{% else %}"
    "{% for content in message['content'] %}{% if content['type'] == 'image' %}<|vision_start|><|image_pad|><|vision_end|>"
    "{% else %}{{ content['text'] }}{% endif %}{% endfor %}<|im_end|>\n{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}")


def tokenizer_files(source):
    """vocab.json, merges.txt, tokenizer.json and tokenizer_config.json in the form of the hub's repositories."""
    data = json.load(open(os.path.join(source, "tokenizer.json"), encoding="utf-8"))
    base = max(data["model"]["vocab"].values()) + 1
    added = [{"id": base + i, "content": text, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": text in SPECIAL}
             for i, text in enumerate(SPECIAL + PLAIN)]
    data["added_tokens"] = added
    json.dump(data, open(os.path.join(MODEL, "tokenizer.json"), "w", encoding="utf-8"), ensure_ascii=False, indent=1)
    for name in ("vocab.json", "merges.txt"):
        shutil.copyfile(os.path.join(source, name), os.path.join(MODEL, name))
    config = {
        "add_bos_token": False, "add_prefix_space": False,
        "added_tokens_decoder": {str(token["id"]): {key: value for key, value in token.items() if key != "id"} for token in added},
        "additional_special_tokens": SPECIAL[1:], "bos_token": None, "chat_template": TEMPLATE, "clean_up_tokenization_spaces": False,
        "eos_token": "<|im_end|>", "errors": "replace", "model_max_length": 131072, "pad_token": "<|endoftext|>", "split_special_tokens": False,
        "tokenizer_class": "Qwen2Tokenizer", "unk_token": None,
    }
    json.dump(config, open(os.path.join(MODEL, "tokenizer_config.json"), "w", encoding="utf-8"), ensure_ascii=False, indent=1)
    return {token["content"]: token["id"] for token in added}


def pictures():
    """Pictures whose sides ask for every branch of the resizing: as they are, enlarged, made smaller, and one that is neither even nor a multiple."""
    made = []
    for i, (width, height) in enumerate([(140, 84), (30, 50), (333, 250), (97, 61)]):
        random = np.random.RandomState(10 + i)
        coarse = Image.fromarray(random.randint(0, 256, (7, 9, 3), dtype=np.uint8)).resize((width, height), Image.BICUBIC)
        noisy = np.clip(np.asarray(coarse).astype(int) + random.randint(-9, 10, (height, width, 3)), 0, 255).astype(np.uint8)
        Image.fromarray(noisy).save(os.path.join(HERE, f"image{i}.png"))
        made.append(Image.open(os.path.join(HERE, f"image{i}.png")).convert("RGB"))
    return made


def configuration(ids):
    return {
        "architectures": ["Qwen2_5_VLForConditionalGeneration"], "attention_dropout": 0.0, "bos_token_id": ids["<|endoftext|>"], "eos_token_id": ids["<|im_end|>"],
        "vision_start_token_id": ids["<|vision_start|>"], "vision_end_token_id": ids["<|vision_end|>"], "vision_token_id": ids["<|vision_pad|>"],
        "image_token_id": ids["<|image_pad|>"], "video_token_id": ids["<|video_pad|>"],
        "hidden_act": "silu", "hidden_size": 64, "initializer_range": 0.02, "intermediate_size": 128, "max_position_embeddings": 128000, "max_window_layers": 3,
        "model_type": "qwen2_5_vl", "num_attention_heads": 4, "num_hidden_layers": 3, "num_key_value_heads": 2, "rms_norm_eps": 1e-06, "rope_theta": 1000000.0,
        "sliding_window": 32768, "tie_word_embeddings": False, "torch_dtype": "float32", "transformers_version": "4.41.2", "use_cache": True, "use_sliding_window": False,
        "vision_config": {
            "depth": 4, "hidden_act": "silu", "hidden_size": 32, "intermediate_size": 44, "num_heads": 2, "in_chans": 3, "out_hidden_size": 64, "patch_size": 14,
            "spatial_merge_size": 2, "spatial_patch_size": 14, "window_size": 56, "fullatt_block_indexes": [1, 3], "tokens_per_second": 2, "temporal_patch_size": 2},
        "rope_scaling": {"type": "mrope", "mrope_section": [2, 3, 3]}, "vocab_size": 512,
    }


class Lora(torch.nn.Module):
    """W x + alpha / r B A x, as PEFT's LoRA without dropout."""

    def __init__(self, base, a, b, scale):
        super().__init__()
        self.base, self.scale = base, scale
        self.a, self.b = torch.nn.Parameter(a), torch.nn.Parameter(b)

    def forward(self, x):
        return self.base(x) + self.scale * torch.nn.functional.linear(torch.nn.functional.linear(x, self.a), self.b)


def main():
    torch.set_num_threads(1)
    os.makedirs(MODEL, exist_ok=True)
    ids = tokenizer_files(sys.argv[1])
    config = configuration(ids)
    json.dump(config, open(os.path.join(MODEL, "config.json"), "w"), indent=1)
    json.dump({"bos_token_id": ids["<|endoftext|>"], "do_sample": True, "eos_token_id": [ids["<|im_end|>"], ids["<|endoftext|>"]], "pad_token_id": ids["<|endoftext|>"],
               "repetition_penalty": 1.05, "temperature": 0.000001}, open(os.path.join(MODEL, "generation_config.json"), "w"), indent=1)
    processor_config = {
        "min_pixels": 56 * 56, "max_pixels": 28 * 28 * 40, "patch_size": 14, "temporal_patch_size": 2, "merge_size": 2,
        "image_mean": [0.48145466, 0.4578275, 0.40821073], "image_std": [0.26862954, 0.26130258, 0.27577711],
        "image_processor_type": "Qwen2VLImageProcessor", "processor_class": "Qwen2_5_VLProcessor"}
    json.dump(processor_config, open(os.path.join(MODEL, "preprocessor_config.json"), "w"), indent=1)

    torch.manual_seed(0)
    loaded = Qwen2_5_VLConfig(**json.loads(json.dumps(config)))
    loaded._attn_implementation = "eager"
    model = Qwen2_5_VLForConditionalGeneration._from_config(loaded, attn_implementation="eager").float().eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            scale = 1.0 if "norm" in name or "ln_q" in name else 0.0
            parameter.copy_(torch.randn_like(parameter) * (0.1 if scale else (0.35 if parameter.ndim > 1 else 0.1)) / (1 if parameter.ndim < 2 else parameter.shape[-1] ** 0.5 / 4) + scale)

    # The hub's names: what stands in front of the text model's layers and of the vision tower there.
    state = {}
    for name, value in model.state_dict().items():
        old = name.replace("model.language_model.", "model.", 1) if name.startswith("model.language_model.") else name.replace("model.visual.", "visual.", 1)
        state[old] = value.contiguous().clone()
    save_file(state, os.path.join(MODEL, "model.safetensors"), metadata={"format": "pt"})
    again, report = Qwen2_5_VLForConditionalGeneration.from_pretrained(MODEL, attn_implementation="eager", output_loading_info=True)
    assert not report["missing_keys"] and not report["unexpected_keys"], report
    for name, value in again.state_dict().items():
        assert torch.equal(value, model.state_dict()[name]), name
    model = again.float().eval()

    # The configuration in transformers 5's own words; the names of the weights stay.
    model.save_pretrained(os.path.join(HERE, "v5"))
    os.remove(os.path.join(HERE, "v5", "model.safetensors"))

    tokenizer = PreTrainedTokenizerFast(tokenizer_object=Tokenizer.from_file(os.path.join(MODEL, "tokenizer.json")), chat_template=TEMPLATE,
                                        eos_token="<|im_end|>", pad_token="<|endoftext|>")
    processor = Qwen2VLImageProcessorPil(**{key: value for key, value in processor_config.items() if not key.endswith("_class") and not key.endswith("_type")})
    images = pictures()
    meta = {"ids": ids, "images": [], "cases": [], "transformers": __import__("transformers").__version__, "torch": torch.__version__}
    expected = {}
    for i, image in enumerate(images):
        out = processor(images=[image], return_tensors="pt")
        grid = out["image_grid_thw"]
        expected[f"pixels.{i}"] = out["pixel_values"].float()
        with torch.no_grad():
            vision = model.model.visual(out["pixel_values"].float(), grid_thw=grid)
        expected[f"features.{i}"] = vision.pooler_output
        meta["images"].append({"file": f"image{i}.png", "size": list(image.size), "grid": grid[0].tolist()})

    # Resizing alone: width and height, what becomes of them.
    from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import smart_resize
    sizes = [(w, h) for w in (20, 28, 42, 56, 70, 98, 126, 200, 333, 640, 1000) for h in (14, 29, 42, 70, 154, 224, 500, 1999)]
    meta["resize"] = [{"size": [w, h], "limits": [low, high], "to": list(reversed(smart_resize(h, w, 28, low, high)))}
                      for w, h in sizes for low, high in ((56 * 56, 28 * 28 * 40), (56 * 56, 28 * 28 * 1280))
                      if max(w, h) / min(w, h) <= 200]

    def encode(messages, generation):
        """Text of the template and ids with each picture's <|image_pad|> repeated; images by their numbers."""
        text = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=generation)
        numbers = [part["image"] for message in messages if not isinstance(message["content"], str) for part in message["content"] if part["type"] == "image"]
        pieces = text.split("<|image_pad|>")
        full = pieces[0]
        for number, piece in zip(numbers, pieces[1:]):
            t, h, w = meta["images"][number]["grid"]
            full += "<|image_pad|>" * (t * h * w // 4) + piece
        return text, numbers, tokenizer(full, add_special_tokens=False)["input_ids"]

    def user(*parts):
        return {"role": "user", "content": [{"type": "image", "image": part} if isinstance(part, int) else {"type": "text", "text": part} for part in parts]}

    def answer(text):
        return {"role": "assistant", "content": text}

    conversations = [
        [user("What is the answer? Say yes or no."), answer("no")],
        [user(0, "What is in the picture?\nAnswer the question using a single word or phrase."), answer("a dog")],
        [user(1, "Is it red?"), answer("yes"), {"role": "user", "content": "And now? 数字 42"}, answer("no, it's blue.")],
        [{"role": "system", "content": "Be short."}, user(2, "and", 3, "\nWhich is larger?"), answer("the first")],
        [user("Look: ", 3, 3), answer("twice the same")],
    ]

    def inputs(numbers, row):
        grids = torch.tensor([meta["images"][number]["grid"] for number in numbers]) if numbers else None
        pixels = torch.cat([expected[f"pixels.{number}"] for number in numbers]) if numbers else None
        tensor = torch.tensor([row])
        kind = (tensor == ids["<|image_pad|>"]).int()
        return {"input_ids": tensor, "attention_mask": torch.ones_like(tensor), "pixel_values": pixels, "image_grid_thw": grids, "mm_token_type_ids": kind}

    for number, messages in enumerate(conversations):
        text, numbers, row = encode(messages, generation=False)
        # Answers and what ends them (<|im_end|>) are learned, nothing else.
        labels = [-100] * len(row)
        start = tokenizer("<|im_start|>assistant\n", add_special_tokens=False)["input_ids"]
        at = 0
        while at + len(start) <= len(row):
            if row[at:at + len(start)] == start:
                at += len(start)
                while row[at] != ids["<|im_end|>"]:
                    labels[at] = row[at]
                    at += 1
                labels[at] = row[at]
            at += 1
        given = inputs(numbers, row)
        with torch.no_grad():
            out = model(**given, labels=torch.tensor([labels]))
            if numbers:
                positions, _ = model.model.get_rope_index(given["input_ids"], given["mm_token_type_ids"], given["image_grid_thw"])
            else:
                positions = torch.arange(len(row)).view(1, 1, -1).expand(3, 1, -1)
        expected[f"case.{number}.input_ids"] = torch.tensor(row)
        expected[f"case.{number}.labels"] = torch.tensor(labels)
        expected[f"case.{number}.positions"] = positions[:, 0].contiguous().long()
        expected[f"case.{number}.logits"] = out.logits[0]
        ask, _, prompt = encode(messages[:-1], generation=True)
        given = inputs(numbers, prompt)
        tokens, margin, scores = list(prompt), 1e9, []
        with torch.no_grad():
            for _ in range(10):
                step = model(**inputs(numbers, tokens), use_cache=False).logits[0, -1]
                best = step.topk(2).values
                margin = min(margin, float(best[0] - best[1]))
                scores.append(step)
                tokens.append(int(step.argmax()))
        expected[f"case.{number}.generate_logits"] = torch.stack(scores)
        cached = model.generate(**{key: value for key, value in given.items() if value is not None}, max_new_tokens=10, min_new_tokens=10, do_sample=False,
                                repetition_penalty=1.0, eos_token_id=None)
        assert cached[0].tolist() == tokens, number
        meta["cases"].append({"messages": messages, "text": text, "images": numbers, "loss": float(out.loss), "prompt": ask, "prompt_ids": prompt,
                              "generated": tokens[len(prompt):], "least_margin": margin})

    # LoRA on every linear map of the language model: gradients of each case's loss, and AdamW steps over all cases.
    rank, alpha = 4, 8
    random = torch.Generator().manual_seed(1)
    adapter = {}
    for i, layer in enumerate(model.model.language_model.layers):
        for block, names in (("self_attn", ("q_proj", "k_proj", "v_proj", "o_proj")), ("mlp", ("gate_proj", "up_proj", "down_proj"))):
            for name in names:
                part = getattr(layer, block)
                base = getattr(part, name)
                a = torch.randn(rank, base.in_features, generator=random) * 0.2
                b = torch.randn(base.out_features, rank, generator=random) * 0.2
                setattr(part, name, Lora(base, a, b, alpha / rank))
                adapter[f"base_model.model.model.layers.{i}.{block}.{name}"] = getattr(part, name)
    for parameter in model.parameters():
        parameter.requires_grad_(False)
    trained = []
    for module in adapter.values():
        trained += [module.a.requires_grad_(True), module.b.requires_grad_(True)]
    tensors = lambda: {f"{key}.lora_{half}.weight": getattr(module, half.lower()).detach().clone() for key, module in adapter.items() for half in "AB"}
    os.makedirs(os.path.join(HERE, "adapter"), exist_ok=True)
    save_file(tensors(), os.path.join(HERE, "adapter", "adapter_model.safetensors"), metadata={"format": "pt"})
    json.dump({"peft_type": "LORA", "task_type": "CAUSAL_LM", "r": rank, "lora_alpha": alpha, "lora_dropout": 0.0, "bias": "none", "fan_in_fan_out": False,
               "inference_mode": True, "base_model_name_or_path": "qwen2.5-vl-tiny", "init_lora_weights": True, "modules_to_save": None, "use_rslora": False, "use_dora": False,
               "target_modules": ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]},
              open(os.path.join(HERE, "adapter", "adapter_config.json"), "w"), indent=1)

    def loss_of(number):
        row, labels = expected[f"case.{number}.input_ids"].tolist(), expected[f"case.{number}.labels"]
        return model(**inputs(meta["cases"][number]["images"], row), labels=labels[None]).loss

    gradients = {}
    meta["loss_with_adapter"] = []
    for number in range(len(conversations)):
        for parameter in trained:
            parameter.grad = None
        loss = loss_of(number)
        loss.backward()
        meta["loss_with_adapter"].append(float(loss))
        if number in (1, 3):
            for key, module in adapter.items():
                for half in "AB":
                    gradients[f"{number}.{key}.lora_{half}.weight"] = getattr(module, half.lower()).grad.clone()
    optimizer = torch.optim.AdamW(trained, lr=0.01, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0)
    steps = [[1, 2], [3, 4], [0, 3]]
    meta["training"] = {"learning_rate": 0.01, "steps": [], "micro_batches": steps}
    for step in steps:
        optimizer.zero_grad()
        losses = []
        for number in step:
            loss = loss_of(number) / len(step)
            loss.backward()
            losses.append(float(loss) * len(step))
        norm = torch.nn.utils.clip_grad_norm_(trained, 1.0)
        optimizer.step()
        meta["training"]["steps"].append({"losses": losses, "gradient_norm": float(norm)})
    save_file(gradients, os.path.join(HERE, "gradients.safetensors"))
    save_file(tensors(), os.path.join(HERE, "final.safetensors"))
    save_file({key: value.contiguous() for key, value in expected.items()}, os.path.join(HERE, "expected.safetensors"))
    json.dump(meta, open(os.path.join(HERE, "meta.json"), "w", encoding="utf-8"), ensure_ascii=False, indent=1)
    print("least margins", [round(case["least_margin"], 4) for case in meta["cases"]], "losses", [round(case["loss"], 3) for case in meta["cases"]])


main()
