"""A language model of transformers whose sequences have the features of pictures where an image token stands."""
import torch
from torch import nn


class Spliced(nn.Module):
    """Has `language`, a causal language model, and `image_id`; pictures(pixel_values) gives [pictures, image tokens, hidden size]."""

    # A model with a projector that is trained has it as the module `projector`; a class attribute of that name would hide it.
    lora_targets = None

    def embed(self, input_ids, pixel_values):
        with torch.no_grad():
            embedded = self.language.get_input_embeddings()(input_ids)
        pictures = self.pictures(pixel_values)
        return embedded.masked_scatter((input_ids == self.image_id).unsqueeze(-1), pictures.to(embedded.dtype))

    def forward(self, input_ids, labels, pixel_values, attention_mask=None):
        return self.language(inputs_embeds=self.embed(input_ids, pixel_values), attention_mask=attention_mask, labels=labels)

    def generate(self, input_ids, attention_mask, pixel_values, **settings):
        embedded = self.embed(input_ids, pixel_values)
        out = self.language.generate(input_ids=input_ids, inputs_embeds=embedded, attention_mask=attention_mask, **settings)
        return out if out.shape[1] > input_ids.shape[1] else torch.cat([input_ids, out], 1)
