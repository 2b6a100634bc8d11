"""A shop whose rows move while they are paged: by offset, as TikTok's tokens might be."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from bridge.connectors.tiktok.sweeping import CANCELLATIONS, LISTINGS, ORDERS, Place, next_place

SIZE = 8


class Shop:
    """Pages by offset: the least helpful token there could be."""

    def __init__(self, times: list[int]) -> None:
        self.rows = dict(enumerate(times))
        self.clock = max(times, default=0) + 1

    def page(self, place: Place) -> tuple[list[tuple[int, int]], str]:
        rows = sorted((at, row) for row, at in self.rows.items() if at >= place.since)
        start = int(place.token or 0)
        shown = rows[start : start + SIZE]
        return [(row, at) for at, row in shown], str(start + SIZE) if len(rows) > start + SIZE else ""

    def touch(self, row: int) -> None:
        self.clock += 1
        self.rows[row % len(self.rows)] = self.clock


@given(
    st.lists(st.integers(0, 60), min_size=1, max_size=60).filter(
        lambda times: max(times.count(at) for at in times) <= SIZE - 1
    ),
    st.lists(st.integers(0, 200), max_size=12),
)
def test_no_row_is_left_out_while_rows_move(times: list[int], moves: list[int]) -> None:
    shop, seen, place = Shop(times), set(), Place(0)
    moves = list(moves)
    for _ in range(500):
        rows, token = shop.page(place)
        seen |= {row for row, _ in rows}
        following = next_place(place, [at for _, at in rows], token)
        if following is None:
            break
        place = Place.read(str(following))
        if moves:
            shop.touch(moves.pop())
    else:
        raise AssertionError("the pass does not end")
    assert seen == set(shop.rows)


def test_a_second_fuller_than_a_page_is_read_by_token() -> None:
    shop, seen, place = Shop([5] * 30 + [6] * 3), set(), Place(0)
    for _ in range(50):
        rows, token = shop.page(place)
        seen |= {row for row, _ in rows}
        following = next_place(place, [at for _, at in rows], token)
        if following is None:
            break
        place = following
    assert len(seen) == 33


def test_a_row_whose_time_ran_ahead_does_not_hide_its_neighbours() -> None:
    """The last row shows a later time than its place in the list."""
    times = [10, 11, 12, 13, 14, 15, 16, 900]
    assert next_place(Place(5), times, "more") == Place(16)


def test_the_end_is_an_empty_token() -> None:
    assert next_place(Place(5), [6, 7], "") is None


def test_calls_keep_to_the_vendors_limits() -> None:
    assert set(LISTINGS) == {"orders", "cancellations"}
    page = ORDERS.page("C", Place(1700000000, "tok"))
    assert dict(page.query) == {
        "sort_field": "update_time",
        "sort_order": "ASC",
        "page_size": "100",
        "page_token": "tok",
        "shop_cipher": "C",
    }
    assert json.loads(page.body) == {"update_time_ge": 1700000000}
    newest = dict(CANCELLATIONS.newest("C").query)
    assert newest["page_size"] == "10"
    assert newest["sort_order"] == "DESC"
