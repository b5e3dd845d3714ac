"""The request of `:generateContent` on the wire (ai.google.dev/api/generate-content and google-genai 3.4.0, 2026-11).

Fields are declared in snake case and read in camel case; `spelling` turns the one into the other before. What must not
be re-encoded (arguments, schemas, what only Google knows) stays raw.
"""

import msgspec

Raw = msgspec.Raw
ABSENT = Raw(b"")


def given(raw: Raw) -> bool:
    """The sender said something, and not null."""
    return raw is not ABSENT and bytes(raw) not in (b"", b"null")


class Wire(msgspec.Struct, rename="camel", forbid_unknown_fields=True, omit_defaults=True):
    """The manner of all structs of a request."""


class Blob(Wire):
    """Bytes in the request."""

    data: str = ""
    mime_type: str = ""
    display_name: str | None = None


class FileData(Wire):
    """Bytes elsewhere."""

    file_uri: str = ""
    mime_type: str = ""
    display_name: str | None = None


class FunctionCall(Wire):
    """A call of the model. `partialArgs` and `willContinue` occur in answers alone."""

    name: str = ""
    id: str | None = None
    args: Raw = ABSENT


class FunctionResponsePart(Wire):
    """A medium in a tool's result."""

    inline_data: Blob | None = None
    file_data: FileData | None = None
    media_resolution: Raw = ABSENT
    video_metadata: Raw = ABSENT
    media_processing: Raw = ABSENT
    document_metadata: Raw = ABSENT
    spreadsheet_metadata: Raw = ABSENT
    audio_metadata: Raw = ABSENT


class FunctionResponse(Wire):
    """What a tool answered."""

    name: str = ""
    id: str | None = None
    response: Raw = ABSENT
    parts: Raw = ABSENT
    will_continue: Raw = ABSENT
    scheduling: Raw = ABSENT


class UsualPart(Wire):
    """What nearly every part is: words, a call or a result. Quicker to decode, and to see through, than `Part`."""

    text: str | None = None
    thought: bool | None = None
    thought_signature: str | None = None
    function_call: FunctionCall | None = None
    function_response: FunctionResponse | None = None


class UsualContent(Wire):
    """A message of usual parts."""

    parts: list[UsualPart] = []
    role: str | None = None


class Part(Wire):
    """One of text, media, call, result and what only Google knows, with what stands beside it."""

    text: str | None = None
    thought: bool | None = None
    thought_signature: str | None = None
    inline_data: Blob | None = None
    file_data: FileData | None = None
    function_call: FunctionCall | None = None
    function_response: FunctionResponse | None = None
    executable_code: Raw = ABSENT
    code_execution_result: Raw = ABSENT
    tool_call: Raw = ABSENT
    tool_response: Raw = ABSENT
    audio_transcription: Raw = ABSENT
    video_metadata: Raw = ABSENT
    media_resolution: Raw = ABSENT
    part_metadata: Raw = ABSENT
    media_processing: Raw = ABSENT
    speech_metadata: Raw = ABSENT
    document_metadata: Raw = ABSENT
    spreadsheet_metadata: Raw = ABSENT
    audio_metadata: Raw = ABSENT


class Content(Wire):
    """One message."""

    parts: list[Part] = []
    role: str | None = None


class FunctionDeclaration(Wire):
    """A function that may be called."""

    name: str = ""
    description: str = ""
    parameters: Raw = ABSENT
    parameters_json_schema: Raw = ABSENT
    response: Raw = ABSENT
    response_json_schema: Raw = ABSENT
    behavior: Raw = ABSENT


class FunctionCallingConfig(Wire):
    """Whether, and which functions must be called."""

    mode: str | None = None
    allowed_function_names: list[str] | None = None
    stream_function_call_arguments: bool | None = None


class ToolConfig(Wire):
    """How the tools are to be used."""

    function_calling_config: FunctionCallingConfig | None = None
    retrieval_config: Raw = ABSENT
    include_server_side_tool_invocations: Raw = ABSENT


class ThinkingConfig(Wire):
    """How much to think."""

    include_thoughts: bool | None = None
    thinking_budget: int | None = None
    thinking_level: str | None = None


class UsualConfig(Wire):
    """How the answer is to be made, as far as others than Google know it."""

    temperature: float | None = None
    top_p: float | None = None
    top_k: float | None = None
    candidate_count: int | None = None
    max_output_tokens: int | None = None
    stop_sequences: list[str] | None = None
    response_logprobs: bool | None = None
    logprobs: int | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    seed: int | None = None
    response_mime_type: str | None = None
    response_schema: Raw = ABSENT
    response_json_schema: Raw = ABSENT
    thinking_config: ThinkingConfig | None = None
    response_modalities: list[str] | None = None


class GenerationConfig(UsualConfig):
    """How the answer is to be made. These are Google's alone."""

    speech_config: Raw = ABSENT
    media_resolution: Raw = ABSENT
    image_config: Raw = ABSENT
    audio_timestamp: Raw = ABSENT
    audio_transcription_config: Raw = ABSENT
    enable_affective_dialog: Raw = ABSENT
    enable_enhanced_civic_answers: Raw = ABSENT
    model_selection_config: Raw = ABSENT
    routing_config: Raw = ABSENT
    response_format: Raw = ABSENT
    translation_config: Raw = ABSENT


OPAQUE_PARTS = ("executableCode", "codeExecutionResult", "toolCall", "toolResponse", "audioTranscription")
"""Parts that no other dialect knows."""
BESIDE = (
    "videoMetadata", "mediaResolution", "partMetadata", "mediaProcessing", "speechMetadata", "documentMetadata",
    "spreadsheetMetadata", "audioMetadata", "inlineData.displayName", "fileData.displayName", "functionResponse.parts",
    "functionResponse.willContinue", "functionResponse.scheduling", "thoughtSignature",
)  # fmt: skip
"""What may stand beside a part and has no place in the hub: an `Opaque` of that kind right behind the part, whose raw
text is the value. So another dialect's encoder signals its loss by name, and Gemini's own puts it back."""
