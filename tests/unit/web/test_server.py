"""What the server prints about requests."""

import pytest

from web.server import print_request


def test_one_line_per_request_and_none_for_an_open_dashboard(capsys: pytest.CaptureFixture[str]) -> None:
    print_request("GET", "/animals", 200, 0.0123, quiet="/dashboards")
    print_request("GET", "/dashboards", 200, 0.1, quiet="/dashboards")
    print_request("GET", "/dashboards", 503, 0.1, quiet="/dashboards")
    print_request("POST", "/identify", 0, 0.1)
    assert capsys.readouterr().out.splitlines() == [
        "GET /animals 200 12 ms",
        "GET /dashboards 503 100 ms",
        "POST /identify gone 100 ms",
    ]
