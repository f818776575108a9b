import pytest
from conftest import QUESTION, City
from langchain_core.messages import HumanMessage, SystemMessage, ToolMessage
from langchain_openai import ChatOpenAI, OpenAI, OpenAIEmbeddings


@pytest.fixture
def llm(base_url, model):
    return ChatOpenAI(base_url=base_url, api_key="unused", model=model, max_tokens=80, max_retries=0)


def test_chat(base_url, model):
    llm = ChatOpenAI(base_url=base_url, api_key="unused", model=model, max_tokens=8)
    answer = llm.invoke([SystemMessage("Be brief."), HumanMessage(QUESTION)])
    assert answer.content
    assert answer.usage_metadata["output_tokens"] == 8


def test_stream(base_url, model):
    llm = ChatOpenAI(base_url=base_url, api_key="unused", model=model, max_tokens=8, stream_usage=True)
    chunks = list(llm.stream(QUESTION))
    assert "".join(chunk.content for chunk in chunks)
    whole = sum(chunks[1:], chunks[0])
    assert whole.usage_metadata["output_tokens"] == 8


@pytest.mark.parametrize("method", ["json_schema", "function_calling"])
def test_structured_output(llm, method):
    assert isinstance(llm.with_structured_output(City, method=method).invoke(QUESTION), City)


def test_tools(llm):
    calling = llm.bind_tools([City], tool_choice="any")
    answer = calling.invoke(QUESTION)
    [call] = answer.tool_calls
    City.model_validate(call["args"])
    history = [HumanMessage(QUESTION), answer, ToolMessage("Noted.", tool_call_id=call["id"])]
    llm.bind(max_tokens=8).invoke(history)


def test_completions(base_url, model):
    llm = OpenAI(base_url=base_url, api_key="unused", model=model, max_tokens=4)
    assert llm.invoke("The capital of France is")


def test_embeddings(base_url, model):
    # By default it sends tokens of OpenAI's own models, which mean something else to others.
    embeddings = OpenAIEmbeddings(
        base_url=base_url, api_key="unused", model=model, check_embedding_ctx_length=False
    )
    cat, dog = embeddings.embed_documents(["A cat", "A dog"])
    assert len(cat) == len(dog) > 100
    assert len(embeddings.embed_query("A cat")) == len(cat)
