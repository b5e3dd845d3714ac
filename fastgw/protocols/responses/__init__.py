"""OpenAI's Responses, from both sides: questions and answers, whole and streamed.

Facts are from OpenAI's OpenAPI document (2026-08) and from Open Responses (2026-04-24), unless another source is named.
"""
