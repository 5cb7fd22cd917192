"""From a LoRA adapter that was trained to an agent that plays: a GGUF file, an Ollama model, an artifact's folder."""
