"""Hatchling's hook for wheels and source distributions.

A wheel has everything below one name: `chalicelib`, which Lambda packs under its own name, becomes
`faunalens.chalicelib`. The hook rewrites its imports, as tools that vendor libraries do. It needs the models, which are
not in the repository: `make setup` builds them.
"""

import ast
import re
import sys
import tomllib
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

MOVED = "chalicelib"
PACKAGES = (MOVED, "faunalens")


class WheelHook(BuildHookInterface[Any]):
    """Rewrites imports for a wheel. Without the models it fails and says what to do, except for an editable install."""

    rewritten = Path()

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Check the models, and put rewritten modules in place of those that pyproject.toml leaves out of the wheel."""
        root = Path(self.root)
        models = root / "model"
        packs = [file for file in models.glob("packs/*.toml") if tomllib.loads(file.read_text("utf-8"))["enabled"]]
        needed = [models / "faunalens.onnx", *(file.with_suffix(".onnx") for file in packs)]
        missing = [str(file.relative_to(root)) for file in needed if not file.is_file()]
        if version == "editable":
            return
        if missing:
            sys.exit(f"faunalens: {', '.join(sorted(missing))} missing; run `make setup`, which builds the models")
        if self.target_name == "wheel":
            self.rewritten = Path(mkdtemp())
            for path in sorted(path for package in PACKAGES for path in (root / package).rglob("*.py")):
                name = path.relative_to(root)
                if "maintain" not in name.parts:
                    target = self.rewritten / name
                    target.parent.mkdir(parents=True, exist_ok=True)
                    target.write_text(below_faunalens(path.read_text("utf-8"), str(name)), "utf-8")
                    build_data["force_include"][str(target)] = str(
                        name if name.parts[0] == "faunalens" else "faunalens" / name
                    )

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:  # noqa: ARG002, hatchling's
        """Remove the rewritten modules."""
        if self.rewritten.name:
            rmtree(self.rewritten)


def below_faunalens(source: str, name: str) -> str:
    """Return a module's source with imports of `faunalens.chalicelib` where it imports `chalicelib`.

    Exits if the module uses the name otherwise, where a rewritten import would not help.
    """
    lines = source.splitlines(keepends=True)
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            line = lines[node.lineno - 1]
            lines[node.lineno - 1] = re.sub(rf"\b((?:from|import) ){MOVED}\b", rf"\1faunalens.{MOVED}", line)
        elif isinstance(node, ast.Name) and node.id == MOVED:
            sys.exit(f"{name}, line {node.lineno}: write `from {MOVED}… import …`; `import {MOVED}…` cannot be moved")
    return "".join(lines)
