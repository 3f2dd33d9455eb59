"""Catalogues of vendors: what their models can do and cost, as data."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalharness.adapters.remote import catalogue as module
from evalharness.adapters.remote.catalogue import Model, catalogue, catalogues
from evalharness.errors import ConfigError


@pytest.mark.parametrize("route", catalogues())
def test_every_catalogue_reads_and_every_cell_of_it_has_even_pixels_of_its_ratio(route: str) -> None:
    for model in catalogue(route).models:
        for resolution in model.resolutions:
            for ratio in model.ratios:
                width, height = model.pixels(resolution, ratio)
                across, down = map(int, ratio.split(":"))
                assert width % 2 == height % 2 == 0
                assert width / height == pytest.approx(across / down, rel=0.04)


@pytest.mark.parametrize("route", catalogues())
def test_what_is_priced_costs_more_the_longer_it_is(route: str) -> None:
    for model in catalogue(route).models:
        for resolution in model.resolutions:
            costs = [
                model.cost_usd(duration_s, resolution, model.ratios[0], audio=True)
                for duration_s in sorted(model.durations_s)
            ]
            known = [cost for cost in costs if cost is not None]
            assert len(known) in {0, len(costs)}
            assert known == sorted(set(known))


def test_gateways_name_the_field_of_reference_pictures() -> None:
    for route in ("fal", "replicate"):
        for model in catalogue(route).models:
            assert (model.references > 0) == bool(model.spelling.references), (route, model.name)


def test_reference_pictures_are_counted_where_they_are_taken() -> None:
    ids = {"text_to_video": "m-t2v", "reference_to_video": "m-r2v"}
    for wrong in ({"references": 3}, {"ids": ids}):
        with pytest.raises(ValueError, match="how many pictures reference_to_video takes"):
            _model(**wrong)
    assert _model(ids=ids, references=3).references == 3


def test_a_model_of_another_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(ConfigError, match=r"no model 'happyhorse-1.2' here: did you mean happyhorse-1\.1"):
        catalogue("dashscope").model("happyhorse-1.2")


def _model(**changes: object) -> Model:
    return Model.model_validate(
        {
            "name": "m",
            "ids": {"text_to_video": "m-t2v"},
            "durations_s": "4..6",
            "resolutions": {"480p": 480, "720p": 720},
            "ratios": ["16:9", "1:1", "9:16"],
            "audio": "always",
            "seed": "none",
            "rewriting": "none",
            "watermark": "none",
        }
        | changes
    )


def test_a_range_is_of_whole_seconds() -> None:
    assert _model().durations_s == (4.0, 5.0, 6.0)


@pytest.mark.parametrize("wrong", ["6..4", "4-6", "..", "a..b", [], [0]])
def test_an_impossible_range_is_refused(wrong: object) -> None:
    with pytest.raises(ValueError, match=r"durations_s"):
        _model(durations_s=wrong)


def test_a_price_of_an_unknown_resolution_is_refused() -> None:
    with pytest.raises(ValueError, match="usd_per_s names '1080p'"):
        _model(usd_per_s={"1080p": 0.1})


def test_tokens_are_counted_by_the_pixel() -> None:
    """A published example: 5 s of 1280x720 are 108,000 tokens, 1.156 dollars at 10.7 a million."""
    model = _model(usd_per_million_tokens={"720p": 10.7})
    assert model.cost_usd(5, "720p", "16:9", audio=True) == pytest.approx(1.1556, abs=1e-4)


def test_tokens_of_silent_clips_have_a_price_of_their_own() -> None:
    model = catalogue("ark").model("seedance-1.5-pro")
    assert model.cost_usd(5, "720p", "16:9", audio=True) == pytest.approx(108_000 * 2.4e-6)
    assert model.cost_usd(5, "720p", "16:9", audio=False) == pytest.approx(108_000 * 1.2e-6)
    one = _model(usd_per_million_tokens={"720p": 7.0})
    assert one.tokens_usd(1e6, "720p", audio=False) == pytest.approx(7.0)
    assert one.tokens_usd(1e6, "480p", audio=True) is None


@pytest.mark.parametrize("key", ["usd_per_s", "usd_per_million_tokens"])
def test_a_silent_price_alone_is_refused(key: str) -> None:
    with pytest.raises(ValueError, match=f"{key}_silent prices '720p', which {key} must price too"):
        _model(**{f"{key}_silent": {"720p": 0.1}, key: {"480p": 0.1}})


def test_silence_is_cheaper_where_it_has_a_price_and_as_dear_where_it_has_none() -> None:
    both = _model(usd_per_s={"720p": 0.4}, usd_per_s_silent={"720p": 0.2})
    assert both.cost_usd(5, "720p", "16:9", audio=False) == pytest.approx(1.0)
    one = _model(usd_per_s={"720p": 0.4})
    assert one.cost_usd(5, "720p", "16:9", audio=False) == pytest.approx(2.0)
    assert one.cost_usd(5, "480p", "16:9", audio=True) is None


@given(st.sampled_from(["16:9", "1:1", "9:16"]))
def test_the_other_way_up_is_the_other_way_round(ratio: str) -> None:
    turned = ":".join(reversed(ratio.split(":")))
    assert _model().pixels("720p", ratio) == _model().pixels("720p", turned)[::-1]


def test_the_vendors_own_pixels_win() -> None:
    assert _model(sizes={"480p": {"16:9": "864x496"}}).pixels("480p", "16:9") == (864, 496)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("vendor = ", "not valid TOML"),
        ('vendor = "V"', "Field required"),
    ],
)
def test_a_broken_file_is_answered_with_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, said: str
) -> None:
    (tmp_path / "adapters").mkdir()
    (tmp_path / "adapters" / "broken.toml").write_text(text)
    monkeypatch.setattr(module, "data_folder", lambda: tmp_path)
    with pytest.raises(ConfigError, match=said):
        catalogue("broken")
    with pytest.raises(ConfigError, match="There is no catalogue for 'absent'"):
        catalogue("absent")


@pytest.mark.parametrize("wrong", ["5", "{", "{:d}", "{0}", "{}{}"])
def test_a_length_is_spelled_around_its_number(wrong: str) -> None:
    with pytest.raises(ValueError, match="duration"):
        _model(spelling={"duration": wrong})


def test_a_model_is_found_by_what_the_vendor_calls_it() -> None:
    assert catalogue("fal").served_as("fal-ai/veo3.1/image-to-video").name == "veo-3.1"
    with pytest.raises(ConfigError, match="no model with the id 'fal-ai/veo9'"):
        catalogue("fal").served_as("fal-ai/veo9")
