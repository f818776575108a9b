"""What all models have in common."""

from __future__ import annotations

from typing import Any, TypeAlias

from pydantic import BaseModel, ConfigDict

JsonObject: TypeAlias = dict[str, Any]


class Model(BaseModel):
    """What a coordinator answered. What this version of the package does not know yet is kept."""

    model_config = ConfigDict(extra="allow", protected_namespaces=())

    def to_dict(self) -> JsonObject:
        """As the coordinator told it: JSON, without what it did not say."""
        return self.model_dump(mode="json", exclude_unset=True, by_alias=True)
