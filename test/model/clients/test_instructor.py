import instructor
import pytest
from conftest import QUESTION, City
from openai import OpenAI


@pytest.mark.parametrize("mode", [instructor.Mode.TOOLS, instructor.Mode.JSON_SCHEMA])
def test_structured_output(base_url, model, mode):
    client = instructor.from_openai(OpenAI(base_url=base_url, api_key="unused"), mode=mode)
    city = client.chat.completions.create(
        model=model,
        messages=[{"role": "user", "content": QUESTION}],
        response_model=City,
        max_tokens=80,
        max_retries=0,
    )
    assert isinstance(city, City)
