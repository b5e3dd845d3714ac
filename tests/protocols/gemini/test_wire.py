"""The wire's own types: all that google-genai may send is known."""

import msgspec
import pytest
from google.genai import types
from pydantic import BaseModel

from fastgw.protocols.gemini import wire


def test_null_is_nothing_said() -> None:
    assert not wire.given(wire.ABSENT)
    assert not wire.given(msgspec.Raw(b"null"))
    assert wire.given(msgspec.Raw(b"{}"))


@pytest.mark.parametrize(
    ("ours", "theirs", "elsewhere"),
    [
        (wire.Part, types.Part, set()),
        (wire.Content, types.Content, set()),
        (wire.Blob, types.Blob, set()),
        (wire.FileData, types.FileData, set()),
        # Only in answers.
        (wire.FunctionCall, types.FunctionCall, {"partialArgs", "willContinue"}),
        (wire.FunctionResponse, types.FunctionResponse, set()),
        (wire.FunctionResponsePart, types.FunctionResponsePart, set()),
        (wire.FunctionDeclaration, types.FunctionDeclaration, set()),
        (wire.FunctionCallingConfig, types.FunctionCallingConfig, set()),
        (wire.ToolConfig, types.ToolConfig, set()),
        (wire.ThinkingConfig, types.ThinkingConfig, set()),
        (wire.GenerationConfig, types.GenerationConfig, set()),
    ],
)
def test_every_field_of_the_sdk_is_known(
    ours: type[msgspec.Struct], theirs: type[BaseModel], elsewhere: set[str]
) -> None:
    known = {field.encode_name for field in msgspec.structs.fields(ours)}
    assert {field.alias for field in theirs.model_fields.values()} - elsewhere <= known
