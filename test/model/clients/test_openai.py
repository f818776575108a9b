import openai
import pytest
from conftest import QUESTION, City
from openai import OpenAI

MESSAGES = [{"role": "developer", "content": "Be brief."}, {"role": "user", "content": QUESTION}]


@pytest.fixture
def client(base_url):
    return OpenAI(base_url=base_url, api_key="unused", max_retries=0)


def test_chat(client, model):
    answer = client.chat.completions.create(
        model=model, messages=MESSAGES, max_completion_tokens=8, n=2, seed=1, store=False
    )
    assert [choice.index for choice in answer.choices] == [0, 1]
    assert all(choice.message.content for choice in answer.choices)
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens


def test_stream(client, model):
    chunks = list(
        client.chat.completions.create(
            model=model, messages=MESSAGES, max_tokens=8, stream=True, stream_options={"include_usage": True}
        )
    )
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert chunks[-2].choices[0].finish_reason == "length"
    assert chunks[-1].usage.completion_tokens == 8


def test_structured_output(client, model):
    answer = client.chat.completions.parse(model=model, messages=MESSAGES, response_format=City, max_tokens=80)
    assert isinstance(answer.choices[0].message.parsed, City)


def test_tools(client, model):
    tool = openai.pydantic_function_tool(City, name="remember")
    answer = client.chat.completions.create(
        model=model, messages=MESSAGES, tools=[tool], tool_choice="required", parallel_tool_calls=False, max_tokens=80
    )
    [call] = answer.choices[0].message.tool_calls
    assert call.function.name == "remember"
    City.model_validate_json(call.function.arguments)
    history = [*MESSAGES, answer.choices[0].message, {"role": "tool", "tool_call_id": call.id, "content": "Noted."}]
    after = client.chat.completions.create(model=model, messages=history, tools=[tool], max_tokens=8)
    assert after.choices[0].finish_reason in ("stop", "length", "tool_calls")


def test_tools_in_a_stream(client, model):
    tool = openai.pydantic_function_tool(City, name="remember")
    with client.chat.completions.stream(
        model=model, messages=MESSAGES, tools=[tool], tool_choice="required", max_tokens=80
    ) as stream:
        answer = stream.get_final_completion()
    [call] = answer.choices[0].message.tool_calls
    assert isinstance(call.function.parsed_arguments, City)


def test_embeddings(client, model):
    answer = client.embeddings.create(model=model, input=["A cat", "A dog"])
    assert [each.index for each in answer.data] == [0, 1]
    assert len(answer.data[0].embedding) == len(answer.data[1].embedding) > 100


def test_embeddings_of_tokens(client, model):
    [one] = client.embeddings.create(model=model, input=[5, 6, 7]).data
    assert len(one.embedding) > 100
    with pytest.raises(openai.BadRequestError, match="token"):
        client.embeddings.create(model=model, input=[[10_000_000]])


def test_completions(client, model):
    answer = client.completions.create(model=model, prompt=["The capital of France is", "One, two,"], max_tokens=4)
    assert [choice.index for choice in answer.choices] == [0, 1]
    assert all(choice.text for choice in answer.choices)


def test_models(client, model):
    assert model in [offered.id for offered in client.models.list()]
    with pytest.raises(openai.NotFoundError) as told:
        client.chat.completions.create(model="no-such-model", messages=MESSAGES)
    assert told.value.code == "model_not_found"


def test_errors(client, model):
    with pytest.raises(openai.BadRequestError) as told:
        client.chat.completions.create(model=model, messages=[{"role": "user", "content": "word " * 10_000}])
    assert told.value.code == "context_length_exceeded"
    with pytest.raises(openai.NotFoundError):
        client.responses.create(model=model, input="Hello")
