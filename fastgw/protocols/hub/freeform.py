"""Custom tools, which take any text, for providers that know only functions with an object of arguments."""

import msgspec

from fastgw.protocols.hub.conversation import Tool
from fastgw.protocols.hub.losses import Losses


class _Form(msgspec.Struct):
    """A custom tool's `format`, as Responses spells it."""

    type: str = ""
    syntax: str = ""
    definition: str = ""


_form = msgspec.json.Decoder(_Form)


def described(tool: Tool, path: str, losses: Losses) -> str:
    """The description of the function that stands for the tool. A grammar, which nobody enforces there, is told in it:
    a loss, but the model knows what is wanted."""
    if not tool.grammar:
        return tool.description
    try:
        form = _form.decode(tool.grammar)
    except (msgspec.MsgspecError, RecursionError):
        form = _Form()
    if form.type == "text":
        return tool.description
    losses.drop(f"{path}.format")
    if not form.definition:
        return tool.description
    words = f"The input must match this {form.syntax} grammar:\n{form.definition}"
    return f"{tool.description}\n\n{words}".lstrip()
