import pytest
from conftest import QUESTION, City
from llama_index.core.llms import ChatMessage
from llama_index.core.tools import FunctionTool
from llama_index.embeddings.openai_like import OpenAILikeEmbedding
from llama_index.llms.openai_like import OpenAILike


@pytest.fixture
def llm(base_url, model):
    return OpenAILike(
        model=model,
        api_base=base_url,
        api_key="unused",
        is_chat_model=True,
        is_function_calling_model=True,
        context_window=2048,
        max_tokens=80,
        max_retries=0,
    )


def test_chat(llm):
    assert llm.chat([ChatMessage(role="user", content=QUESTION)], max_tokens=8).message.content


def test_stream(llm):
    chunks = list(llm.stream_chat([ChatMessage(role="user", content=QUESTION)], max_tokens=8))
    assert chunks[-1].message.content


def test_completion(base_url, model):
    llm = OpenAILike(model=model, api_base=base_url, api_key="unused", max_tokens=4)
    assert llm.complete("The capital of France is").text
    assert list(llm.stream_complete("The capital of France is"))[-1].text


def test_structured_output(llm):
    assert isinstance(llm.as_structured_llm(City).complete(QUESTION).raw, City)


def test_tools(llm):
    def remember(name: str) -> str:
        """Remembers a city."""
        return f"Noted {name}."

    tool = FunctionTool.from_defaults(remember)
    answer = llm.chat_with_tools([tool], user_msg=QUESTION, tool_required=True)
    [call] = llm.get_tool_calls_from_response(answer)
    assert call.tool_name == "remember"
    assert isinstance(call.tool_kwargs["name"], str)


def test_embeddings(base_url, model):
    embeddings = OpenAILikeEmbedding(model_name=model, api_base=base_url, api_key="unused")
    cat, dog = embeddings.get_text_embedding_batch(["A cat", "A dog"])
    assert len(cat) == len(dog) > 100
