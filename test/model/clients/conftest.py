"""What the tests of the Python clients share. The coordinator and the model are named by the environment."""

import os
from typing import Optional

import pytest
from pydantic import BaseModel, Field


class City(BaseModel):
    """A city. The texts are bounded so that a small model comes to an end."""

    name: str = Field(max_length=20)
    nickname: Optional[str] = Field(max_length=20)
    founded: Optional[int] = Field(default=None, ge=1, le=2100)


QUESTION = "Tell me about the city of Paris."


@pytest.fixture
def base_url() -> str:
    return os.environ["BASE_URL"]


@pytest.fixture
def model() -> str:
    return os.environ["MODEL"]
