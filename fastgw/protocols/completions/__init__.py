"""OpenAI's legacy completions: a prompt in, its continuation out."""
