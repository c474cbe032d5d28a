from __future__ import annotations

import pytest

from gateway.formats.places import OfTable, Within, nearest
from gateway.schemas.place import Place

TABLE = OfTable([4, 7], {"closing_yen": 5}, {"": Place(line=1), "/term": Place(line=2, column=2)})


def test_a_json_record_points_at_itself_below_where_it_stands() -> None:
    places = Within(3, "/records/2")
    assert places["/lines/0"] == Place(line=3, pointer="/records/2/lines/0")
    assert Within(None, "")[""] == Place()
    assert ("/anything" in places, list(places), len(places)) == (True, [""], 1)


@pytest.mark.parametrize(
    ("pointer", "place"),
    [
        ("", Place(line=1)),
        ("/term", Place(line=2, column=2)),
        ("/lines/1", Place(line=7)),
        ("/lines/1/closing_yen", Place(line=7, column=5)),
        ("/lines/1/statement", Place(line=7)),
        ("/lines/9/closing_yen", Place(line=1)),
        ("/unknown/deep", Place(line=1)),
    ],
)
def test_a_table_knows_rows_and_cells_and_what_is_nearest_to_anything_else(pointer: str, place: Place) -> None:
    assert nearest(TABLE, pointer) == place


def test_a_table_lists_the_places_it_knows() -> None:
    assert list(TABLE) == ["", "/term", "/lines/0", "/lines/1"]
    assert len(TABLE) == len(list(TABLE))
