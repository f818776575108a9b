"""A conversation and its tools, in the shapes of OpenAI's chat completions, as typed dictionaries for requests."""

from __future__ import annotations

from typing import Any, Literal

from typing_extensions import NotRequired, TypedDict


class ImageUrl(TypedDict):
    """An image."""

    url: str
    """A ``data:`` URL: miners fetch nothing from anywhere."""
    detail: NotRequired[Literal["auto", "low", "high"]]


class ContentPart(TypedDict):
    """Part of a message: a text or an image."""

    type: Literal["text", "image_url"]
    text: NotRequired[str]
    image_url: NotRequired[ImageUrl]


class FunctionCall(TypedDict):
    """What the model wants called, and with what."""

    name: str
    arguments: str
    """JSON, as the model wrote it."""


class ToolCall(TypedDict):
    """A function that the model wants called."""

    id: str
    type: Literal["function"]
    function: FunctionCall


class ChatMessage(TypedDict):
    """A message of a conversation."""

    role: Literal["system", "user", "assistant", "tool"]
    content: NotRequired[str | list[ContentPart] | None]
    name: NotRequired[str]
    tool_calls: NotRequired[list[ToolCall]]
    tool_call_id: NotRequired[str]
    reasoning_content: NotRequired[str]


class Function(TypedDict):
    """A function that the model may call."""

    name: str
    description: NotRequired[str]
    parameters: NotRequired[dict[str, Any]]
    """JSON Schema of the arguments."""
    strict: NotRequired[bool | None]


class Tool(TypedDict):
    """What the model may call."""

    type: Literal["function"]
    function: Function


class JsonSchemaFormat(TypedDict):
    """A JSON schema that an answer is to follow."""

    name: str
    description: NotRequired[str]
    schema: NotRequired[dict[str, Any]]
    strict: NotRequired[bool | None]


class ResponseFormat(TypedDict):
    """The form that an answer is to have."""

    type: Literal["text", "json_object", "json_schema"]
    json_schema: NotRequired[JsonSchemaFormat]
