"""Anthropic's Messages API: requests, answers and streams, as callers speak it and as providers do.

Facts of the wire are from anthropic-python 2.12 (2026-11) and platform.claude.com, each named where it is used.
"""
