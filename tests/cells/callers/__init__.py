"""Callers of four dialects. Each asks a `Question`, hears a `Received`, and demands what its official SDK demands."""

from types import ModuleType

from tests.cells.callers import chat, gemini, messages, responses

CALLERS: dict[str, ModuleType] = {"chat": chat, "responses": responses, "messages": messages, "gemini": gemini}
