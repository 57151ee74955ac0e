"""transformers' own Qwen2.5-VL; pictures are made patches here as its image processor makes them."""
import torch
from torch import nn
from transformers import Qwen2_5_VLForConditionalGeneration


class Qwen25Vl(nn.Module):
    projector = None
    lora_targets = None

    def __init__(self, folder, dtype, image_id):
        super().__init__()
        self.model, self.image_id = Qwen2_5_VLForConditionalGeneration.from_pretrained(folder, dtype=dtype), image_id
        vision = self.model.config.vision_config
        self.patch, self.merge, self.frames = vision.patch_size, vision.spatial_merge_size, vision.temporal_patch_size

    @property
    def layers(self):
        return self.model.model.language_model.layers

    def inputs(self, input_ids, attention_mask, pixel_values):
        pictures, _, height, width = pixel_values.shape
        rows, columns, p, m = height // self.patch, width // self.patch, self.patch, self.merge
        patches = pixel_values.view(pictures, 3, rows // m, m, p, columns // m, m, p).permute(0, 2, 5, 3, 6, 1, 4, 7)
        patches = patches.unsqueeze(6).expand(*patches.shape[:6], self.frames, p, p).reshape(pictures * rows * columns, -1)
        return dict(input_ids=input_ids, attention_mask=attention_mask, pixel_values=patches, image_grid_thw=torch.tensor([[1, rows, columns]] * pictures, device=input_ids.device),
                    mm_token_type_ids=(input_ids == self.image_id).int())

    def forward(self, input_ids, labels, pixel_values, attention_mask=None):
        return self.model(labels=labels, **self.inputs(input_ids, attention_mask, pixel_values))

    def generate(self, input_ids, attention_mask, pixel_values, **settings):
        return self.model.generate(**self.inputs(input_ids, attention_mask, pixel_values), **settings)
