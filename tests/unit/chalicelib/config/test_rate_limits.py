import pytest

from chalicelib.config.casts import RateLimit, rate_limits
from chalicelib.config.settings import Settings
from chalicelib.errors import SettingError


def test_limits_are_parsed_in_order() -> None:
    text = "* address=600/300, /uploads/{id}/identify service=900/60"
    assert rate_limits(text) == (
        RateLimit("*", "address", 600, 300),
        RateLimit("/uploads/{id}/identify", "service", 900, 60),
    )
    assert Settings.from_environment({"RATE_LIMITS": text}).deployment.rate_limits == rate_limits(text)
    assert Settings.from_environment({}).deployment.rate_limits == ()


@pytest.mark.parametrize("text", ["600/300", "* a=0/300", "* a=1/0", "identify a=1/1", "* a=1/1,", "* A=1/1", ","])
def test_anything_else_is_an_error(text: str) -> None:
    with pytest.raises(SettingError, match=r"setting RATE_LIMITS is .*: expected PATH NAME=REQUESTS/SECONDS"):
        Settings.from_environment({"RATE_LIMITS": text})
