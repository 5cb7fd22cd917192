"""The export of a trained LoRA adapter as an agent: a GGUF file, an Ollama model, an artifact's folder."""
