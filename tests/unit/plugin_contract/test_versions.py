from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugin_contract.report import PERMISSIONS, UnreadableReport, read_report
from plugin_contract.versions import RECOMMENDED, Can, NoVersion, PluginVersion, capabilities

RECORDINGS = Path(__file__).parents[2] / "recordings" / "magento"

NUMBERS = st.lists(st.integers(0, 999_999_999), min_size=2, max_size=6).map(tuple)


def read(text: str | None) -> PluginVersion:
    version = PluginVersion.parse(text)
    assert isinstance(version, PluginVersion)
    return version


@given(NUMBERS, NUMBERS)
def test_versions_are_ordered_as_their_numbers_are(left: tuple[int, ...], right: tuple[int, ...]) -> None:
    padded = [(numbers + (0,) * 6)[:6] for numbers in (left, right)]
    one, two = (read(".".join(map(str, numbers))) for numbers in (left, right))
    assert (one < two, one == two, one > two) == (padded[0] < padded[1], padded[0] == padded[1], padded[0] > padded[1])
    assert (hash(one) == hash(two)) or padded[0] != padded[1]


@given(NUMBERS)
def test_a_version_survives_being_written_and_read(numbers: tuple[int, ...]) -> None:
    version = PluginVersion(*numbers)
    assert read(str(version)) == version
    assert read(f" v{version}\n") == version


def test_numbers_win_over_letters() -> None:
    assert read("1.0.9") < read("1.0.20")
    assert max(["1.0.9", "1.0.20"]) == "1.0.9"  # as text, the other way round
    assert read("1.0") == read("1.0.0")


@pytest.mark.parametrize("text", [None, "", "  \n"])
def test_nothing_reported_is_missing(text: str | None) -> None:
    assert PluginVersion.parse(text) == NoVersion("missing", text)


@pytest.mark.parametrize(
    "text",
    [
        "abc",
        "26",
        "1.0.26-beta",
        "1..0",
        "1.0.",
        "-1.0",
        "1.0.٢",
        "1,0,26",
        "1.0.26 1.0.27",
        "1." + "9" * 5000,
        "\ud800",
    ],
)
def test_other_text_is_unreadable_and_kept(text: str) -> None:
    assert PluginVersion.parse(text) == NoVersion("unreadable", text)
    judged = capabilities(text)
    assert judged.reported == text
    assert judged.may_be == ()
    assert not judged.restock.allowed
    assert set(judged.capabilities.model_dump().values()) == {Can.MAYBE}
    assert judged.reserve_on_create is Can.MAYBE
    assert len(judged.warnings[0]) < 400
    assert judged.warnings[0].isprintable()


@given(st.one_of(st.none(), st.text()), st.one_of(st.none(), st.text()))
def test_no_text_breaks_the_check_or_allows_restock_by_accident(reported: str | None, override: str | None) -> None:
    judged = capabilities(reported, override=override)
    version = PluginVersion.parse(reported)
    if not isinstance(version, PluginVersion) or version < PluginVersion(1, 0, 19):
        assert not judged.restock.allowed
    assert judged.recommended == RECOMMENDED


# reported | may be | events, restock, result, refunds, reserve on create | restock allowed | words in the first warning
TABLE = [
    (None, [], "no no no yes no", False, "Install version 1.0.26"),
    ("", [], "no no no yes no", False, "Install version 1.0.26"),
    ("1.0.6", ["1.0.6"], "no no no yes no", False, "Update"),
    ("1.0.9", ["1.0.9"], "no no no yes no", False, "Update"),
    ("1.0.15", ["1.0.15"], "no no no yes no", False, "Update"),
    ("1.0.16", ["1.0.16"], "no no no yes yes", False, "Update"),
    ("1.0.17", ["1.0.17", "1.0.18"], "maybe no no yes yes", False, "may have 1.0.17 or 1.0.18"),
    ("1.0.18", ["1.0.18"], "yes no no yes yes", False, "before 1.0.21"),
    ("1.0.19", ["1.0.19", "1.0.20"], "yes maybe no yes yes", False, "may have 1.0.19 or 1.0.20"),
    ("1.0.20", ["1.0.20"], "yes yes no yes yes", True, "before 1.0.21"),
    ("1.0.21", ["1.0.21"], "yes yes yes yes yes", True, None),
    ("1.0.22", ["1.0.22"], "yes yes yes yes yes", True, None),
    ("1.0.23", ["1.0.23"], "yes yes yes yes yes", True, None),
    ("1.0.24", ["1.0.24"], "yes yes yes yes yes", True, None),
    ("1.0.25", ["1.0.25"], "no no yes unsafe yes", False, "at once"),
    ("1.0.26", ["1.0.26"], "yes yes yes yes yes", True, None),
    ("1.0.27", ["1.0.27"], "yes yes yes yes yes", True, "newer than 1.0.26"),
    ("1.0.40", ["1.0.40"], "yes yes yes yes yes", True, "newer than 1.0.26"),
    ("1.1.0", ["1.1.0"], "yes yes yes yes yes", True, "newer than 1.0.26"),
    ("1.0.100", ["1.0.100"], "yes yes yes yes yes", True, "newer than 1.0.26"),
]


@pytest.mark.parametrize(("reported", "may_be", "row", "allowed", "words"), TABLE)
def test_the_table_row_by_row(
    reported: str | None, may_be: list[str], row: str, allowed: bool, words: str | None
) -> None:
    judged = capabilities(reported)
    table = judged.capabilities
    cells = (table.creditmemo_events, table.restock, table.reservation_result, table.refunds, judged.reserve_on_create)
    assert " ".join(cells) == row
    assert list(judged.may_be) == may_be
    assert judged.restock.allowed is allowed
    assert words is None if not judged.warnings else words is not None and words in judged.warnings[0]
    for sentence in (judged.restock.because, *judged.warnings):
        assert any(word in sentence for word in ("Update", "Install", "Switch", "Look at"))
        assert sentence.endswith(".")


def test_a_store_of_1_0_25_is_told_that_refunds_fail_not_that_it_is_too_old() -> None:
    judged = capabilities("1.0.25")
    assert "every refund in Magento fails" in judged.restock.because
    assert "1.0.20 or above" not in judged.restock.because


def test_an_operator_may_settle_what_the_report_leaves_open() -> None:
    stated = capabilities("1.0.19", override="v1.0.20 ")
    assert stated.restock.allowed
    assert stated.capabilities.restock is Can.YES
    assert "operator stated that 1.0.20" in stated.restock.because
    assert stated.may_be == ("1.0.19", "1.0.20")
    assert "treated as 1.0.20" in stated.warnings[0]
    older = capabilities("1.0.19", override="1.0.19")
    assert not older.restock.allowed
    assert older.capabilities.restock is Can.NO
    assert capabilities("1.0.17", override="1.0.18").capabilities.creditmemo_events is Can.YES
    assert capabilities("1.0.17", override="1.0.17").capabilities.creditmemo_events is Can.NO


@pytest.mark.parametrize(
    ("reported", "override"),
    [
        ("1.0.19", "1.0.26"),
        ("1.0.26", "1.0.20"),
        ("1.0.25", "1.0.20"),
        ("1.0.17", "1.0.20"),
        (None, "1.0.20"),
        ("x", "1.0.20"),
        ("1.0.19", "y"),
    ],
)
def test_a_statement_that_cannot_be_true_is_ignored_out_loud(reported: str | None, override: str) -> None:
    stated, plain = capabilities(reported, override=override), capabilities(reported)
    assert (stated.restock, stated.capabilities) == (plain.restock, plain.capabilities)
    assert "is ignored" in stated.warnings[0]
    assert stated.warnings[1:] == plain.warnings


@pytest.mark.parametrize("override", ["1.0.26", "", None])
def test_a_statement_of_what_is_reported_anyway_changes_nothing(override: str | None) -> None:
    assert capabilities("1.0.26", override=override) == capabilities("1.0.26")


def test_the_json_has_exactly_the_published_shape() -> None:
    body = json.loads(capabilities("1.0.19").model_dump_json())
    assert set(body) == {"reported", "may_be", "recommended", "capabilities", "restock", "warnings"}
    assert set(body["capabilities"]) == {"creditmemo_events", "restock", "reservation_result", "refunds"}
    assert set(body["restock"]) == {"allowed", "because"}
    assert (body["reported"], body["may_be"], body["recommended"]) == ("1.0.19", ["1.0.19", "1.0.20"], "1.0.26")


# installed tag → what the store reports (recorded from a live store with each tag installed)
REPORTS = {
    "no_plugin": None,
    "1.0.17": "1.0.17",
    "1.0.18": "1.0.17",
    "1.0.19": "1.0.19",
    "1.0.20": "1.0.19",
    "1.0.21": "1.0.21",
    "1.0.24": "1.0.24",
    "1.0.25": "1.0.25",
}


def recorded_body(path: Path) -> object:
    return json.loads(json.loads(path.read_text())["response"]["body"])


@pytest.mark.parametrize(("tag", "reported"), REPORTS.items())
def test_each_installed_tag_is_among_what_its_report_may_be(tag: str, reported: str | None) -> None:
    found = read_report(recorded_body(RECORDINGS / "versions" / tag / "version_report.json"))
    assert found.reported == reported
    assert capabilities(found.reported).may_be == () if reported is None else tag in capabilities(reported).may_be


def test_every_recorded_tag_is_in_the_table() -> None:
    assert {path.name for path in (RECORDINGS / "versions").iterdir()} == set(REPORTS)


@pytest.mark.parametrize("name", ["version_report", "version_report_oauth1"])
def test_the_short_permission_list_is_the_one_the_recorded_integration_had(name: str) -> None:
    found = read_report(recorded_body(RECORDINGS / "version" / f"{name}.json"))
    assert found.reported == "1.0.26"
    assert found.lacking == ()
    assert set(PERMISSIONS) == found.granted - {"Magento_Backend::admin"}


def test_the_recorded_events_agree_with_the_table() -> None:
    for tag in (path for path in (RECORDINGS / "deliveries").iterdir() if path.is_dir()):
        topics = [
            one["request"]["headers"]["X-Webhook-Topic"]
            for name in ("r1_restock", "r2_increment")
            for one in json.loads((tag / f"{name}.json").read_text())["deliveries"]
        ]
        announced = "creditmemos/update" in topics
        claimed = capabilities(tag.name, override=tag.name).capabilities.creditmemo_events
        assert claimed is (Can.YES if announced else Can.NO), tag.name


@pytest.mark.parametrize("tag", ["1.0.19", "1.0.20", "1.0.25", "no_plugin"])
def test_the_recorded_refunds_agree_with_the_table(tag: str) -> None:
    for path in (RECORDINGS / "versions" / tag).glob("*refund*.json"):
        fails = json.loads(path.read_text())["response"]["status"] == 500
        claimed = capabilities(None if tag == "no_plugin" else tag).capabilities.refunds
        assert claimed is (Can.UNSAFE if fails else Can.YES)


def test_an_empty_php_object_is_no_plugin() -> None:
    assert read_report([{"code": "default", "extension_attributes": []}]).reported is None
    assert read_report([{"extension_attributes": {"permissions": "Magento_Backend::all"}}]).lacking == ()
    assert "Magento_Sales::creditmemo" in read_report([{"extension_attributes": {"permissions": "a,b"}}]).lacking


@pytest.mark.parametrize("body", [None, {}, "x", [1], [{"extension_attributes": "x"}], {"message": "no"}])
def test_anything_but_a_list_of_store_views_is_unreadable(body: object) -> None:
    with pytest.raises(UnreadableReport):
        read_report(body)
