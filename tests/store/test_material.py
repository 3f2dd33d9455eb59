"""Exhibits and measurements."""

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from evalharness.errors import NotFoundError, StoreError
from evalharness.records import Measurement, MeasurementStatus

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"))
JSON_OBJECTS = st.dictionaries(
    TEXT,
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers(-(2**63), 2**63 - 1)
        | TEXT
        | st.floats(allow_nan=False, allow_infinity=False),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
        max_leaves=10,
    ),
    max_size=4,
)
VALUE = Measurement("sha-a-p-1", "event_sync.offset_s", "1", MeasurementStatus.VALUE, -0.0417, "s")
UNSCORABLE = replace(
    VALUE, metric="lips.error", status=MeasurementStatus.UNSCORABLE, value=None, reason="No face was found."
)
FAILED = replace(UNSCORABLE, metric="sync.net", status=MeasurementStatus.FAILED, details={"frames": [1, 2]})


class TestExhibits:
    def test_come_back_equal(self, scene):
        scene.content()
        exhibit = scene.exhibit(
            scene.finished("a", "p"), id="x", silent=True, loudness_lufs=None, recipe={"crf": 18}
        )
        scene.store.put_exhibit(exhibit)
        assert scene.store.exhibit("x") == exhibit
        with pytest.raises(NotFoundError, match="no exhibit 'y'"):
            scene.store.exhibit("y")

    def test_the_newest_of_a_clip_is_the_current_one(self, scene):
        scene.content()
        clip, other = scene.finished("b", "p"), scene.finished("a", "p")
        newer = scene.exhibit(clip, id="aaa")
        scene.store.put_exhibit(newer)
        assert scene.store.exhibits() == (scene.exhibit(other), newer)
        assert scene.store.exhibit("exhibit-b-p-1") == scene.exhibit(clip)  # still there for its battles

    def test_stay_as_they_were_shown(self, scene):
        scene.content()
        exhibit = scene.exhibit(scene.finished("a", "p"), recipe={"size": (854, 480)})
        first = replace(exhibit, id="x")
        scene.store.put_exhibit(first)
        scene.store.put_exhibit(first)
        with pytest.raises(StoreError, match="exhibit x is stored already and may have been shown"):
            scene.store.put_exhibit(replace(first, bytes=100))
        assert scene.store.exhibit("x").bytes == 99

    def test_belong_to_their_clip(self, scene):
        scene.content()
        exhibit = replace(scene.exhibit(scene.finished("a", "p")), id="x")
        with pytest.raises(StoreError, match="not stored or does not belong together"):
            scene.store.put_exhibit(replace(exhibit, clip_sha256="other bytes"))
        with pytest.raises(StoreError, match="said to be of prompt 'q', but its clip is of prompt 'p'"):
            scene.store.put_exhibit(replace(exhibit, prompt_id="q"))


class TestMeasurements:
    def test_the_three_endings_come_back_equal(self, scene):
        scene.content()
        scene.finished("a", "p")
        scene.store.put_measurements([FAILED, VALUE, UNSCORABLE])
        assert scene.store.measurements() == (VALUE, UNSCORABLE, FAILED)

    @pytest.mark.parametrize("value", [0.0, -0.0, 5e-324, 1e308, 0.1 + 0.2, -1 / 3])
    def test_lose_no_digit_of_a_value(self, scene, value):
        scene.content()
        scene.finished("a", "p")
        scene.store.put_measurements([replace(VALUE, value=value)])
        (found,) = scene.store.measurements()
        assert found.value == value

    @settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(details=JSON_OBJECTS, value=st.floats(-1e308, 1e308))
    def test_bring_back_any_json_and_any_finite_value(self, scene, details, value):
        if not scene.store.clips():
            scene.content()
            scene.finished("a", "p")
        given_one = replace(VALUE, value=value, details=details)
        scene.store.put_measurements([given_one])
        assert scene.store.measurements() == (given_one,)

    def test_a_new_run_replaces_the_same_version_only(self, scene):
        scene.content()
        scene.finished("a", "p")
        scene.store.put_measurements([VALUE, UNSCORABLE])
        again = replace(UNSCORABLE, status=MeasurementStatus.VALUE, value=2.0, unit="px", reason=None)
        newer = replace(VALUE, version="2", value=0.0)
        scene.store.put_measurements([again, newer])
        assert scene.store.measurements() == (VALUE, newer, again)
        scene.store.put_measurements([])
        assert len(scene.store.measurements()) == 3

    @pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
    def test_are_never_nan_or_infinite(self, scene, value):
        scene.content()
        scene.finished("a", "p")
        with pytest.raises(StoreError, match=f"its value is {value}; only finite numbers"):
            scene.store.put_measurements([UNSCORABLE, replace(VALUE, value=value)])
        assert scene.store.measurements() == ()

    @pytest.mark.parametrize(
        "wrong",
        [
            replace(VALUE, value=None),
            replace(VALUE, reason="because"),
            replace(UNSCORABLE, reason=None),
            replace(UNSCORABLE, reason=""),
            replace(UNSCORABLE, value=0.0),
            replace(FAILED, reason=None),
        ],
    )
    def test_are_a_value_or_have_a_reason(self, scene, wrong):
        scene.content()
        scene.finished("a", "p")
        with pytest.raises(StoreError, match="either a value with no reason, or unscorable or failed with"):
            scene.store.put_measurements([wrong])
        assert scene.store.measurements() == ()

    def test_are_of_a_stored_clip(self, scene):
        with pytest.raises(StoreError, match="no clip with this hash|not stored"):
            scene.store.put_measurements([VALUE])
