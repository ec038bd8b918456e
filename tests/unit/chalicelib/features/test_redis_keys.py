import re

from chalicelib.config.settings import ROOT
from chalicelib.features.redis_keys import HEALTH, PREFIX, ROLLOUT, demand_key, hits_key, taxon_key


def test_the_page_about_features_lists_the_keys() -> None:
    page = (ROOT / "docs/explanation/features.md").read_text(encoding="utf-8")
    assert PREFIX in {key.partition(":")[0] + ":" for key in re.findall(r"`(\w+:[^`]+)`", page)}
    for key in (ROLLOUT, HEALTH, demand_key(0), hits_key(0), taxon_key("TAXON", "PART", "VERSION")):
        assert f"`{key.decode().removesuffix(':0')}" in page, key
