"""The HTTP contract, over real HTTP with real stores and the real model."""

import base64
from contextlib import closing
from http.client import HTTPConnection
from typing import Any

import jsonschema
import pytest
import redis
from PIL import Image

from chalicelib.config.settings import ROOT
from local import package_folder
from local.stack.ports import HOST
from local.stack.valkey import ValkeyServer
from tests.integration.conftest import Reply, Served
from tests.support.pictures import SYDNEY, encoded, exif, jpeg

DETECTOR = ROOT / "model" / "packs" / "detector.onnx"
SYDNEY_QUERY = {"lat": "-33.8688", "lon": "151.2093"}


@pytest.fixture(scope="module")
def contract(served: Served) -> dict[str, Any]:
    document: dict[str, Any] = served.request("GET", "/openapi.json").json
    return document


def assert_matches(contract: dict[str, Any], name: str, body: Any) -> None:
    """Check the body against a schema of the OpenAPI document."""
    schema = {"$ref": f"#/components/schemas/{name}", "components": contract["components"]}
    jsonschema.Draft202012Validator(schema).validate(body)


def test_a_photo_with_a_place_is_narrowed(served: Served, contract: dict[str, Any]) -> None:
    # GIVEN any photo; WHEN identified with Sydney as its place
    reply = served.identify(jpeg(), SYDNEY_QUERY)
    # THEN the answer matches the contract, and has the cell and its animals
    assert reply.status == 200, reply.text
    assert reply.headers["Content-Type"] == "application/json"
    assert_matches(contract, "Answer", reply.json)
    assert reply.json["location"] == {
        "source": "request",
        "cell": "83be0efffffffff",
        "center": [-33.8, 151.8],
        "areas": ["AU"],
    }
    assert reply.json["features"]["mode"] == "narrowed"
    assert reply.json["features"]["animals"] > 50
    # AND a picture of four colours has no candidate worth showing
    assert reply.json["candidates"] == []


def test_animals_of_a_place_are_listed(served: Served, contract: dict[str, Any]) -> None:
    reply = served.request("GET", "/animals", SYDNEY_QUERY)
    assert_matches(contract, "Residents", reply.json)
    names = {animal["name"]: animal["here"] for animal in reply.json["animals"]}
    assert (names["koala"], "tiger" in names) == ("native", False)
    # AND the Caspian and the open sea have theirs, and no country
    for latitude, longitude, animals in (("42", "51", {"Caspian tern", "greater flamingo"}), ("-40", "-120", {"orca"})):
        reply = served.request("GET", "/animals", {"lat": latitude, "lon": longitude})
        assert (reply.json["features"]["mode"], reply.json["location"]["areas"]) == ("narrowed", [])
        assert animals <= {each["name"] for each in reply.json["animals"]}


def send_form(served: Served, *photos: bytes, **fields: str) -> Reply:
    parts = [*(("photo", ' ; filename="a.jpg"', photo) for photo in photos)]
    parts += [(name, "", value.encode()) for name, value in fields.items()]
    body = b"".join(
        f'--XyZ\r\nContent-Disposition: form-data; name="{name}"{file}\r\n\r\n'.encode() + value + b"\r\n"
        for name, file, value in parts
    )
    return served.identify(body + b"--XyZ--\r\n", None, "multipart/form-data; boundary=XyZ")


def test_several_photos_of_one_animal_get_one_answer(served: Served, contract: dict[str, Any]) -> None:
    # GIVEN a photo without a place, and a second one with a place; WHEN sent together
    reply = send_form(served, jpeg(), jpeg(exif=exif(SYDNEY)), jpeg())
    # THEN there is one answer, for the place of the second photo, and a guess for each photo
    assert reply.status == 200, reply.text
    assert_matches(contract, "Answer", reply.json)
    assert (reply.json["location"]["source"], reply.json["location"]["cell"]) == ("exif", "83be0efffffffff")
    assert [each["agrees"] for each in reply.json["photos"]] == [True, True, True]
    # AND an error names the photo
    reply = send_form(served, jpeg(), b"hello", location="none")
    assert (reply.status, reply.json["code"]) == (415, "unsupported_media_type")
    assert reply.json["detail"].startswith("photo 2 of 2: the file is not a photo")


def test_taxa_are_found_described_and_drawn(served: Served, contract: dict[str, Any]) -> None:
    # WHEN a client searches with a typing error THEN it finds the taxon
    found = served.request("GET", "/taxa", {"q": "koalla"})
    assert found.status == 200
    assert_matches(contract, "TaxonList", found.json)
    path = f"/taxa/{found.json['taxa'][0]['taxon']}"
    # AND it gets what is known of it, and what the models know
    facts = served.request("GET", path)
    assert_matches(contract, "TaxonFacts", facts.json)
    assert (facts.json["name"], facts.json["lives"], len(facts.json["models"])) == ("koala", "range", 1)
    assert facts.json["links"]["wikipedia"] == "https://en.wikipedia.org/wiki/Phascolarctos_cinereus"
    assert facts.json["links"]["inaturalist"] == "https://www.inaturalist.org/taxa/42983"
    # AND its range, as outlines and as a map
    outlines, small_map = served.request("GET", f"{path}/range"), served.request("GET", f"{path}/range.svg")
    assert outlines.headers["Content-Type"] == "application/geo+json"
    assert {each["properties"]["here"] for each in outlines.json["features"]} == {"native", "introduced"}
    assert small_map.headers["Content-Type"] == "image/svg+xml"
    assert "<title>Where it lives: koala</title>" in small_map.text
    assert 'class="introduced"' in small_map.text


def test_taxa_may_be_kept_and_asked_for_again(served: Served) -> None:
    for path in ("/taxa", "/taxa/vulpes-vulpes", "/taxa/vulpes-vulpes/range", "/taxa/vulpes-vulpes/range.svg"):
        first = served.request("GET", path)
        assert first.headers["Cache-Control"] == "public, max-age=3600"
        # WHEN a client has the answer THEN it need not be sent again
        with closing(HTTPConnection(HOST, served.port, timeout=20)) as connection:
            connection.request("GET", path, headers={"If-None-Match": f'"other", {first.headers["ETag"]}'})
            with connection.getresponse() as again:
                assert (again.status, again.read()) == (304, b"")
                assert again.headers["ETag"] == first.headers["ETag"]
                assert again.headers["Content-Length"] is None


def test_each_animal_in_the_photo_is_identified(served: Served, contract: dict[str, Any]) -> None:
    assert DETECTOR.is_file(), "the detector is not built; run `make setup`, with FAUNALENS_WEIGHTS=FOLDER if offline"
    # GIVEN a photo of a cat beside an astronaut
    photos = [Image.open(package_folder("skimage") / "data" / name) for name in ("chelsea.png", "astronaut.png")]
    both = Image.new("RGB", (900, 450))
    for index, photo in enumerate(photos):
        both.paste(photo.convert("RGB").resize((450, 450)), (450 * index, 0))
    # WHEN identified with boxes, as a field of a form
    reply = send_form(served, encoded(both, "JPEG"), boxes="true", location="none")
    # THEN the cat is named in its box, on the left, and the astronaut is a person
    assert reply.status == 200, reply.text
    assert_matches(contract, "Answer", reply.json)
    (cat,) = reply.json["animals"]
    assert cat["box"]["x"] + cat["box"]["width"] < 0.6
    assert cat["candidates"][0]["scientific_name"] == "Felis catus"
    assert reply.json["people"]["count"] == 1
    assert reply.json["people"]["boxes"][0]["x"] > 0.4
    assert reply.json["timings_ms"]["boxes"] > 0


def test_coordinates_leave_no_trace(served: Served, loaded_valkey: ValkeyServer) -> None:
    # GIVEN a cache without the numbers of other tests, such as the demand for cells
    client = redis.Redis.from_url(loaded_valkey.admin_url)
    client.flushall()
    # AND coordinates with unique digits; WHEN clients send them in every way
    latitude, longitude = "-33.8694271", "151.2087364"
    tagged = SYDNEY | {2: (33.0, 52.0, 9.93756), 4: (151.0, 12.0, 31.45104)}
    replies = [
        served.identify(jpeg(), {"lat": latitude, "lon": longitude}),
        served.identify(jpeg(exif=exif(tagged))),
        served.identify(jpeg(exif=exif(tagged | {1: "X"}))),
        served.identify(b"hello", {"lat": latitude, "lon": longitude}),
        served.identify(jpeg(), {"lat": latitude, "lon": "1512.087364"}),
        served.request("GET", "/animals", {"lat": latitude, "lon": longitude}),
    ]
    assert [reply.status for reply in replies] == [200, 200, 422, 415, 422, 200]
    # THEN no answer, log, metric or key in Valkey contains their digits
    stored = [(key, client.dump(key)) for key in client.scan_iter()]
    client.close()
    kept = "".join(reply.text + str(reply.headers) for reply in replies)
    kept += served.log.read_text() + served.metrics.read_text() + repr(stored)
    # (with their decimal point: four digits alone occur by chance in identifiers and packed bytes)
    traces = ("33.86", "33.87", "151.20", "151.21", "1512.0", "9.937", "31.451")
    encoded_traces = tuple(base64.b64encode(text.encode()).decode().rstrip("=") for text in (latitude, longitude))
    assert not [trace for trace in (*traces, *encoded_traces) if trace in kept]
