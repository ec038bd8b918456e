"""Hatchling's hook for wheels and source distributions: without the models they are not built.

`make setup` builds the models, which are no files of the repository.
"""

import sys
import tomllib
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class ModelsHook(BuildHookInterface[Any]):
    """Fails with what to do if a model is missing. An editable installation may get its models later."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002, hatchling's signature
        """Check the files before a build. `version`: `standard` or `editable`."""
        models = Path(self.root, "model")
        packs = [file for file in models.glob("packs/*.toml") if tomllib.loads(file.read_text("utf-8"))["enabled"]]
        needed = [models / "faunalens.onnx", *(file.with_suffix(".onnx") for file in packs)]
        missing = [str(file.relative_to(self.root)) for file in needed if not file.is_file()]
        if missing and version != "editable":
            sys.exit(f"faunalens: {', '.join(sorted(missing))} missing; run `make setup`, which builds the models")
