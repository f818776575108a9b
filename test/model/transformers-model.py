"""python transformers-model.py MODEL.gguf FOLDER: writes the model of a GGUF file in the form that transformers loads.

The package with the small model has only a GGUF file. The weights are dequantized; the embeddings are also the output
layer, which GGUF files say by leaving that out and old versions of transformers do not hear.
"""

import sys
from pathlib import Path

from transformers import AutoModelForCausalLM, AutoTokenizer

source = Path(sys.argv[1])
folder = sys.argv[2]
named = {"gguf_file": source.name}
AutoTokenizer.from_pretrained(source.parent, **named).save_pretrained(folder)
model = AutoModelForCausalLM.from_pretrained(source.parent, **named, tie_word_embeddings=True)
model.tie_weights()
model.half().save_pretrained(folder)
