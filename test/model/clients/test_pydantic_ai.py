import asyncio

import pytest
from conftest import QUESTION, City
from pydantic_ai import Agent, NativeOutput, ToolOutput
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider


@pytest.fixture
def llm(base_url, model):
    return OpenAIChatModel(model, provider=OpenAIProvider(base_url=base_url, api_key="unused"))


def test_chat(llm):
    answer = Agent(llm, instructions="Be brief.").run_sync(QUESTION, model_settings={"max_tokens": 8})
    assert answer.output


def test_stream(llm):
    async def texts():
        async with Agent(llm).run_stream(QUESTION, model_settings={"max_tokens": 8}) as stream:
            return [text async for text in stream.stream_text(delta=True)]

    assert "".join(asyncio.run(texts()))


@pytest.mark.parametrize("output", [ToolOutput, NativeOutput])
def test_structured_output(llm, output):
    answer = Agent(llm, output_type=output(City)).run_sync(QUESTION, model_settings={"max_tokens": 80})
    assert isinstance(answer.output, City)
