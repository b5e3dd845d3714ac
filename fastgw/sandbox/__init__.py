"""The built-in provider: a leaf program of its own that speaks OpenAI's chat completions over HTTP/1.1.

It is for first steps, demos and tests, and says so in its answers: it repeats what it is told and can be asked to be
slow, to fail or to break off. It knows nothing of the gateway; `docs/sandbox.md` has every knob.
"""
