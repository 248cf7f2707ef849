"""How Rasa makes this project's graph components, and gives trained ones back."""

from __future__ import annotations

from abc import abstractmethod
from pathlib import Path
from typing import Any

from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from typing_extensions import Self


class ConfiguredComponent(GraphComponent):
    """A component that learns nothing.

    Args:
        config: its settings.
    """

    @abstractmethod
    def __init__(self, config: dict[str, Any]) -> None: ...

    @classmethod
    def create(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> Self:
        """Create the component from its settings."""
        return cls(config)


class TrainedComponent(GraphComponent):
    """A component that keeps what it learns in the model.

    Args:
        config: its settings.
        model_storage: the model's files.
        resource: names this component's folder there.
    """

    def __init__(self, config: dict[str, Any], model_storage: ModelStorage, resource: Resource) -> None:
        self._config, self._storage, self._resource = config, model_storage, resource

    @abstractmethod
    def _restore(self, folder: Path) -> None:
        """Read from the model what training wrote there."""

    @classmethod
    def create(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> Self:
        """Create an untrained component."""
        return cls(config, model_storage, resource)

    @classmethod
    def load(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
        **kwargs: Any,
    ) -> Self:
        """Load a trained component from the model."""
        component = cls(config, model_storage, resource)
        with model_storage.read_from(resource) as folder:
            component._restore(folder)
        return component
