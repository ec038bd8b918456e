"""Self-contained pages."""

import json
import re
import shutil

import pytest

from cloudwatch.preview import render
from cloudwatch.preview.pages import STATIC
from cloudwatch.preview.render import bundle, find_chromium, self_contained


def test_a_bundle_has_each_module_once_after_its_imports() -> None:
    script = bundle(STATIC / "app.js")
    names = re.findall(r"^const module_(\w+) = ", script, re.MULTILINE)
    assert sorted(names) == sorted(path.stem for path in STATIC.glob("*.js"))
    for module in names:
        (body,) = re.findall(rf"^const module_{module} = (.*?)^\}}\)\(\);", script, re.MULTILINE | re.DOTALL)
        used = re.findall(r"= module_(\w+);", body)
        assert all(names.index(each) < names.index(module) for each in used), module
    assert not re.search(r"^(import|export) ", script, re.MULTILINE)


def test_a_page_requests_nothing_and_its_data_cannot_end_its_script() -> None:
    page = (STATIC / "page.html").read_text()
    data = {"title": "</script><script>alert(1)</script>"}
    text = self_contained(page, data)
    assert not re.search(r'(src|href)="static', text)
    assert "</script><script>alert(1)" not in text
    (kept,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)
    assert json.loads(kept) == data


def test_without_a_browser_the_error_says_how_to_install_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with pytest.raises(SystemExit, match="apt-get install chromium"):
        find_chromium()


@pytest.mark.parametrize(
    "arguments", [["--out", "x", "--file", "a", "--simulate"], [], ["--out", "x", "--stretch", "0"]]
)
def test_invalid_arguments_are_rejected(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        render.main(arguments)
    assert "usage: python -m cloudwatch render" in capsys.readouterr().err
