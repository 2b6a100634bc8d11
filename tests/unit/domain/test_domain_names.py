"""Names that outlive a process: work keys, effect tokens, fingerprints, the stored intention."""

from __future__ import annotations

import json
import subprocess
import sys
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.domain.attention import TEXTS, AttentionKind, Hold, fingerprint
from bridge.domain.effects import EffectKind
from bridge.domain.keys import HintKey, OrderKey, parse_key
from bridge.domain.plans import OrderPlan, Piece, PlannedRow
from bridge.domain.tokens import effect_token, mark, tokens_in

WORDS = st.text(st.characters(exclude_characters=":", exclude_categories=["Cs"]), min_size=1, max_size=12)
ANY = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)
IDS = st.integers(1, 10**18).map(str)


@given(WORDS, ANY)
def test_an_order_key_reads_back(shop: str, order: str) -> None:
    assert parse_key(str(OrderKey(shop, order))) == OrderKey(shop, order)


@given(WORDS, WORDS, ANY, st.one_of(st.just(""), WORDS))
def test_a_hint_key_reads_back(connection: str, topic: str, subject: str, shop: str) -> None:
    key = HintKey(connection, topic, subject, shop)
    assert parse_key(str(key)) == key


@pytest.mark.parametrize(
    "text", ["", "order", "order:", "order:shop", "order:shop:", "order::7", "hint:a:b", "x:a:b:c"]
)
def test_what_names_no_work_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="names no work"):
        parse_key(text)


@given(st.sets(IDS, min_size=1, max_size=5), st.integers(1, 9))
def test_a_token_does_not_depend_on_the_order_of_units(units: set[str], attempt: int) -> None:
    one = effect_token("shop", "577", "store/refund", sorted(units), attempt)
    assert one == effect_token("shop", "577", "store/refund", sorted(units, reverse=True), attempt)


@given(st.sets(IDS, min_size=1, max_size=5), st.integers(1, 9))
def test_each_part_of_an_effect_makes_another_token(units: set[str], attempt: int) -> None:
    tokens = {
        effect_token("shop", "577", "store/refund", units, attempt),
        effect_token("pohs", "577", "store/refund", units, attempt),
        effect_token("shop", "578", "store/refund", units, attempt),
        effect_token("shop", "577", "channel/cancel", units, attempt),
        effect_token("shop", "577", "store/refund", {*units, "0"}, attempt),
        effect_token("shop", "577", "store/refund", units, attempt + 1),
    }
    assert len(tokens) == 6


def elsewhere(code: str, seed: str) -> str:
    """What another process, with other string hashes, prints."""
    env = {"PYTHONHASHSEED": seed}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=env)
    return done.stdout.strip()


def test_tokens_and_fingerprints_are_the_same_in_every_process() -> None:
    code = (
        "from bridge.domain.tokens import effect_token; from bridge.domain.attention import fingerprint;"
        "print(effect_token('shop', '577', 'store/refund', frozenset({'3', '1', '2'}), 1),"
        " fingerprint({'units': frozenset({'3', '1', '2'}), 'rows': {'B': 1, 'A': 2}}))"
    )
    here = (
        effect_token("shop", "577", "store/refund", ["1", "2", "3"], 1)
        + " "
        + fingerprint({"rows": {"A": 2, "B": 1}, "units": ["1", "2", "3"]})
    )
    assert elsewhere(code, "1") == elsewhere(code, "2") == here


@given(st.lists(st.integers(1, 10**6).map(lambda n: effect_token("s", "o", "store/refund", ["1"], n)), max_size=4))
def test_marks_are_found_again_in_a_comment(tokens: list[str]) -> None:
    comment = "TikTok cancellation 4035 " + " and ".join(mark(token) for token in tokens) + " [bridge:nonsense]"
    assert tokens_in(comment) == set(tokens)


@pytest.mark.parametrize(
    "text", [None, "", "[bridge:]", "[bridge:0123456789ABCDEF]", "[bridge:0123456789abcdef0]", "0123456789abcdef"]
)
def test_no_mark_is_seen_where_there_is_none(text: str | None) -> None:
    assert tokens_in(text) == frozenset()


def test_a_fingerprint_is_over_the_facts_not_the_words() -> None:
    one = Hold(AttentionKind.TOO_LATE, "too late", {"refunded": ["1"]})
    assert one.fingerprint == Hold(AttentionKind.TOO_LATE, "far too late", {"refunded": ["1"]}).fingerprint
    assert one.fingerprint != Hold(AttentionKind.TOO_LATE, "too late", {"refunded": ["2"]}).fingerprint
    assert one.fingerprint != Hold(AttentionKind.NO_REASON, "too late", {"refunded": ["1"]}).fingerprint


def test_every_kind_of_attention_has_a_title_and_says_what_to_do() -> None:
    assert set(TEXTS) == set(AttentionKind)


def test_every_effect_has_a_side() -> None:
    channel = {kind for kind in EffectKind if kind.side == "channel"}
    assert channel == {EffectKind.CANCEL, EffectKind.CANCEL_LINES, EffectKind.APPROVE, EffectKind.REJECT}


QUANTITIES = st.decimals(min_value=-1000, max_value=10**6, places=4)
PLANS = st.builds(
    OrderPlan,
    number=ANY,
    view=ANY,
    body=ANY,
    rows=st.lists(st.builds(PlannedRow, ANY, ANY, QUANTITIES, st.integers(1, 99)), max_size=3).map(tuple),
    unit_map=st.dictionaries(IDS, st.lists(st.builds(Piece, ANY, st.integers(1, 9)), max_size=3).map(tuple)),
    total=QUANTITIES,
    currency=st.just("USD"),
    salable_before=st.none() | st.dictionaries(ANY, QUANTITIES, max_size=3),
    notes=st.lists(ANY, max_size=2).map(tuple),
)


@given(PLANS)
def test_the_intention_reads_back_to_the_byte(plan: OrderPlan) -> None:
    again = OrderPlan.from_json(json.loads(json.dumps(plan.to_json())))
    assert again == plan
    assert str(again.total) == str(plan.total)
    assert json.dumps(again.to_json()) == json.dumps(plan.to_json())


def test_decimals_of_an_intention_never_pass_through_floats() -> None:
    exact = Decimal("1234567890123456789.01")
    plan = OrderPlan("1", "", "{}", (PlannedRow("k", "s", exact, 1),), {}, exact, "USD")
    assert OrderPlan.from_json(json.loads(json.dumps(plan.to_json()))).rows[0].price == exact
