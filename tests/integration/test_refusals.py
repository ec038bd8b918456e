"""What a refused request leaves in memory: nothing of its photo."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
REQUESTS = 6
"""Of each kind. Most photos have 5 MB or more, so what is left of them would soon be too much."""
MOST_MB = 20

PROGRAM = """
import base64, ctypes, gc, json, resource, sys
import app
from chalicelib.errors import ModelError
from tests.support.pictures import SYDNEY, encoded, exif, noise
from tests.unit.test_app import call

photo = noise(1600, 1200)  # 6 MB once decoded
place = {"lat": ["-33.9"], "lon": ["151.2"]}
png = encoded(photo, "PNG", compress_level=1)
part = b'--x\\r\\nContent-Disposition: form-data; name="photo"; filename="a"\\r\\n\\r\\n'
two = part + png + b"\\r\\n" + part + png[:-50_000] + b"\\r\\n--x--\\r\\n"
requests = {
    "cut off": (png[:-50_000], place),
    "no place": (png, None),
    "no such place": (encoded(photo, "PNG", compress_level=1, exif=exif(SYDNEY | {1: "X"})), None),
    "out of range": (png, {"lat": ["100"], "lon": ["0"]}),
    "broken header": (png[:30], place),
    "too large": (png + bytes(20_000_000), place),
    "no photo": (b"hello" * 1_000_000, place),
    "second cut off": (two, place),
    "form cut off": (two[:-50_000], place),
    "model": (png, place),
    "internal": (png, place),
}
errors = {"model": ModelError, "internal": KeyError}
general = app.application.services().recogniser.models.general

def fail(error):
    def score(*_):
        raise error("it fails")
    return score

def resident():
    ctypes.CDLL(None).malloc_trim(0)  # what is free but not given back is not left of a photo, and varies
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * resource.getpagesize() / 1e6

def left_by(kind):
    body, query = requests[kind]
    media_type = "multipart/form-data; boundary=x" if body.startswith(b"--x") else "image/png"
    text = base64.b64encode(body).decode()
    if kind in errors:
        general.score = fail(errors[kind])
    ask = lambda: call("POST", "/identify", query=query, body=text, encoded=True, media_type=media_type)
    for _ in range(3):
        answer = ask()
    gc.collect()
    gc.disable()  # it counts objects and not bytes: nothing may depend on when it runs
    before = resident()
    for _ in range(int(sys.argv[1])):
        answer = ask()
    grown = resident() - before
    gc.enable()
    return {"status": answer["statusCode"], "code": json.loads(answer["body"])["code"], "grown": grown}

print(json.dumps({kind: left_by(kind) for kind in requests}))
"""


REFUSALS = {
    "cut off": (422, "photo_unreadable"),
    "no place": (422, "location_missing"),
    "no such place": (422, "location_invalid"),
    "out of range": (422, "location_invalid"),
    "broken header": (422, "photo_unreadable"),
    "too large": (413, "photo_too_large"),
    "no photo": (415, "unsupported_media_type"),
    "second cut off": (422, "photo_unreadable"),
    "form cut off": (400, "bad_request"),
    "model": (503, "unavailable"),
    "internal": (500, "internal"),
}


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc; Lambda runs Linux")
def test_a_refused_photo_leaves_no_memory_behind() -> None:
    # WHEN a process refuses many large photos, and the cyclic collector never runs
    command = [sys.executable, "-c", PROGRAM, str(REQUESTS)]
    environment = {"REDIS_URL": "redis://127.0.0.1:9", "DATABASE_URL": "postgresql://nobody@127.0.0.1:9/nothing"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    left = json.loads(done.stdout.splitlines()[-1])
    # THEN they are refused as they should be, and the process is as large as before
    assert {kind: (found["status"], found["code"]) for kind, found in left.items()} == REFUSALS
    assert {kind: found["grown"] for kind, found in left.items() if found["grown"] >= MOST_MB} == {}
