"""Gemini's generateContent: requests, answers and streams, both as callers speak it and as providers do."""
