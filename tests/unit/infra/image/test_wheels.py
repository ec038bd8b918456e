"""Which requirements an image's wheels come from."""

from chalicelib.config.settings import ROOT
from infra.image.wheels import with_nested


def test_the_image_with_the_model_has_all_packages_of_the_lambda_package_too() -> None:
    found = {path.resolve() for path in with_nested(ROOT / "web" / "requirements" / "local.txt")}
    names = {"web/requirements/local.txt", "web/requirements/lambda.txt", "requirements.txt"}
    assert found == {ROOT / name for name in names}
