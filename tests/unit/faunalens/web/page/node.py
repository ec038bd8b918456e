"""The page's pure modules, called from a test: `run` gives calls to Node.js, which has the values as JSON."""

import base64
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from chalicelib.config.settings import ROOT


def run(*calls: tuple[Any, ...], **shared: Any) -> list[Any]:
    """Return the results of calls: of each the module in faunalens/web/page/src, the function, and its arguments.

    `shared`: what an argument, or a part of one, may name as `{"shared": name}`.
    """
    results: list[Any] = _node(str(Path(__file__).with_name("run.mjs")), {"shared": shared, "calls": calls})
    return results


def evaluate(module: str, function: str, *values: Any) -> Any:
    """Return what a function of a JavaScript module in faunalens/web/page/src returns, or its promise, for values."""
    address = (ROOT / "faunalens/web/page/src" / module).as_uri()
    code = f"""
        import {{ readFileSync }} from "node:fs";
        const result = await ({function})(await import("{address}"), ...JSON.parse(readFileSync(0, "utf8")));
        process.stdout.write(JSON.stringify(result));"""
    return _node("--input-type=module", values, f"--eval={code}")


def _node(first: str, given: Any, *more: str) -> Any:
    node = shutil.which("node")
    if node is None:
        pytest.fail("no Node.js was found, which runs the page's modules; get it with: apt-get install npm")
    text = json.dumps(given, default=_encoded)
    done = subprocess.run([node, first, *more], input=text, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def image(pixels: NDArray[np.uint8]) -> dict[str, Any]:
    """Return an image as the modules have it. `pixels`: shape (height, width, 3)."""
    height, width, _ = pixels.shape
    return {"width": width, "height": height, "pixels": pixels}


def pixels_of(made: dict[str, Any], width: int, height: int) -> NDArray[np.uint8]:
    """Return the pixels of an image that a module made, shape (height, width, 3)."""
    return np.frombuffer(base64.b64decode(made["pixels"]["bytes"]), np.uint8).reshape(height, width, 3)


def _encoded(value: Any) -> Any:
    if isinstance(value, np.ndarray) and value.dtype == np.uint8:
        return {"bytes": base64.b64encode(np.ascontiguousarray(value).tobytes()).decode()}
    if isinstance(value, np.ndarray):
        return {"floats": value.ravel().tolist()}
    raise TypeError(f"{type(value).__name__} has no form for Node.js")
