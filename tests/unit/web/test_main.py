"""What `python -m web` needs with `INFERENCE=lambda`: only what its container has."""

import os
import subprocess
import sys

from chalicelib.config.settings import ROOT

PROGRAM = """
import sys
from web.__main__ import _application
from web.server import _relaying
from web.settings import WebSettings
import web.results.thumbnail

_relaying(_application(), WebSettings.from_environment(), print, None)
absent = {"onnxruntime", "redis", "psycopg2", "h3", "chalice", "boto3", "aiohttp"}
print(*sorted(absent & {name.split(".")[0] for name in sys.modules}))
"""


def test_it_imports_neither_model_nor_stores_nor_chalice() -> None:
    environment = {"INFERENCE": "lambda", "IDENTIFY_FUNCTION": "f", "PHOTO_BUCKET": "b", "RESULTS_BUCKET": "r"}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=ROOT, env={**os.environ, **environment}, capture_output=True, text=True
    )
    assert (done.stdout.split(), done.stderr, done.returncode) == ([], "", 0)
