"""OpenAI's chat completions: requests, stream events, errors."""
