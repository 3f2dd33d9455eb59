"""What routes share: addresses, keys, values out of unknown answers, first frames that a vendor takes."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalharness.adapters.remote import reading
from evalharness.adapters.remote.address import base_url
from evalharness.adapters.remote.credentials import bearer, secret
from evalharness.adapters.remote.exchange import Answer
from evalharness.adapters.remote.faults import kind_of_status, sentence
from evalharness.adapters.remote.pictures import PictureLimits, refuse_picture
from evalharness.errors import ConfigError, GenerationError
from evalharness.records import FailureKind
from tests.adapters.remote.paper import picture

LIMITS = PictureLimits(least_px=300, most_px=6000, steepest=2.5, most_bytes=10_000_000, transparent=False)


@pytest.mark.parametrize(
    ("held", "address"),
    [
        ("", "https://api.example.com"),
        ("  ", "https://api.example.com"),
        ("https://proxy.example.com/vendor/", "https://proxy.example.com/vendor"),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000"),
        ("http://[::1]:8000", "http://[::1]:8000"),
        ("http://localhost:8000/", "http://localhost:8000"),
    ],
)
def test_the_environment_may_name_another_address(held: str, address: str) -> None:
    assert base_url({"VENDOR_URL": held}, "VENDOR_URL", "https://api.example.com/") == address


@pytest.mark.parametrize(
    "held",
    [
        "api.example.com",
        "ftp://example.com",
        "https://",
        "https://example.com:port",
        "https://example.com/?key=sk-1234",
        "http://example.com",
        "http://10.0.0.1:8000",
        "http://127.0.0.1.example.com",
        "https://user:sk-1234@example.com",
        "sk-1234",
    ],
)
def test_no_key_goes_to_what_is_no_safe_address(held: str) -> None:
    with pytest.raises(ConfigError, match="VENDOR_URL must") as caught:
        base_url({"VENDOR_URL": held}, "VENDOR_URL", "https://api.example.com")
    assert "sk-1234" not in str(caught.value)


def test_a_key_is_read_without_the_blanks_around_it() -> None:
    assert bearer({"KEY": " sk-1\n"}, "KEY", "Vendor") == {"Authorization": "Bearer sk-1"}


@pytest.mark.parametrize("held", ["", " ", "sk 1234", "sk\n1234", "sk-ключ-1234"])
def test_a_key_that_cannot_be_one_is_answered_with_its_variable_alone(held: str) -> None:
    with pytest.raises(GenerationError, match="KEY") as caught:
        secret({"KEY": held}, "KEY", "Vendor")
    assert caught.value.kind is FailureKind.AUTH
    assert "1234" not in str(caught.value)


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["a", "b"]) | st.text(), inner),
    max_leaves=8,
)


@given(json_values)
def test_reading_takes_any_answer(body: object) -> None:
    assert isinstance(reading.text(body, "a", "b"), str | None)
    assert isinstance(reading.link(body, "a"), str | None)
    assert set(reading.kept(reading.table(body, "a"), "b")) <= {"b"}


def test_reading_finds_what_is_there() -> None:
    body = {"a": {"b": "https://example.com/clip.mp4", "c": 1, "d": None, "e": " "}}
    assert reading.text(body, "a", "b") == reading.link(body, "a", "b") == "https://example.com/clip.mp4"
    assert reading.text(body, "a", "c") is reading.text(body, "a", "e") is None
    assert reading.link({"a": "file:///etc/passwd"}, "a") is None
    assert reading.kept(body["a"], "c", "d", "x") == {"c": 1}


@pytest.mark.parametrize(
    ("given_header", "seconds"), [("7", 7.0), (" 30 ", 30.0), ("", None), ("-1", None), ("nan", None)]
)
def test_a_wait_is_a_number_of_seconds_or_nothing(given_header: str, seconds: float | None) -> None:
    assert reading.retry_after_s(Answer(429, None, headers={"retry-after": given_header})) == seconds


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, FailureKind.PARAMETER),
        (401, FailureKind.AUTH),
        (402, FailureKind.BILLING),
        (403, FailureKind.AUTH),
        (404, FailureKind.PARAMETER),
        (429, FailureKind.RATE),
        (500, FailureKind.SERVER),
        (302, FailureKind.SERVER),
        (200, FailureKind.SERVER),
    ],
)
def test_an_http_status_alone_has_a_kind(status: int, kind: FailureKind) -> None:
    assert kind_of_status(status) is kind


@pytest.mark.parametrize(
    ("words", "sentence_of_them"),
    [
        ("too\n long", "It said: Code: too long."),
        ("Too long!", "It said: Code: Too long!"),
        ("太长。", "It said: Code: 太长。"),
        (None, "It said: Code."),
        (" ", "It said: Code."),
    ],
)
def test_a_vendors_words_become_one_ended_line(words: str | None, sentence_of_them: str) -> None:
    assert sentence("It said", "Code", words) == sentence_of_them


def test_a_vendors_endless_words_are_cut() -> None:
    assert len(sentence("It said", None, "word " * 10_000)) < 500


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "BMP"])
def test_a_first_frame_within_limits_is_taken(kind: str) -> None:
    assert refuse_picture(picture(854, 480, kind=kind), LIMITS, ratio="16:9") is None


def test_a_shape_rounded_to_the_vendors_own_pixels_is_the_asked_one() -> None:
    assert refuse_picture(picture(864, 496), LIMITS, ratio="16:9") is None
    assert refuse_picture(picture(560, 752), LIMITS, ratio="3:4") is None


@pytest.mark.parametrize(
    ("uri", "said"),
    [
        ("https://example.com/frame.png", "no picture in a data URI"),
        ("data:image/png;base64,", "no picture in a data URI"),
        ("data:image/png;base64,%%%", "no picture in a data URI"),
        ("data:image/png;base64,AAAA", "cannot be read as a picture"),
        ("data:image/png;base64," + "A" * 16_000_000, "12.0 MB; this model takes at most 10 MB"),
        (picture(400, 400, kind="GIF"), "is a GIF; this model takes BMP, JPEG, PNG, WEBP"),
        (picture(400, 400, mode="RGBA"), "transparent parts"),
        (picture(400, 299), "400x299 pixels; this model takes sides of at least 300"),
        (picture(6001, 2500), "6001x2500 pixels; this model takes sides of at most 6000"),
        (picture(300, 751), "longer side is at most 2.5 times the shorter"),
        (picture(800, 500), "in the shape of the picture, not in 16:9"),
        (picture(800, 800), "in the shape of the picture, not in 16:9: crop it to 16:9"),
        (picture(480, 854), "not in 16:9"),
    ],
)
def test_a_first_frame_beyond_limits_is_refused_with_what_was_found(uri: str, said: str) -> None:
    refused = refuse_picture(uri, LIMITS, ratio="16:9")
    assert refused is not None
    assert said in refused
    assert refused.endswith(".")


@given(st.binary(max_size=64))
def test_no_picture_at_all_is_a_sentence_too(content: bytes) -> None:
    assert refuse_picture(f"data:image/png;base64,{base64.b64encode(content).decode()}", LIMITS)
