"""What providers of four dialects were asked, read from the requests that they got."""

from types import ModuleType

from tests.cells.asked import chat, gemini, messages, responses

ASKED: dict[str, ModuleType] = {"chat": chat, "responses": responses, "messages": messages, "gemini": gemini}
