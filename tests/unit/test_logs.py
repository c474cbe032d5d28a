"""What is logged tells an operator where to look, and nobody what a document said."""

from __future__ import annotations

import io
import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy

from gateway.errors import Unreadable
from gateway.runtime.logs import log_without_content
from gateway.schemas.records import TrialBalance

SECRET = "株式会社秘密商店"


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    root, stream = logging.getLogger(), io.StringIO()
    handlers, level = root.handlers[:], root.level
    log_without_content(stream)
    yield stream
    root.handlers[:] = handlers
    root.setLevel(level)


def a_model_refuses() -> None:
    TrialBalance.model_validate({"company_name": [SECRET], "lines": SECRET})


def a_database_refuses() -> None:
    engine = sqlalchemy.create_engine("sqlite://")
    with engine.connect() as connection:
        connection.execute(sqlalchemy.text("INSERT INTO nowhere VALUES (:name)"), {"name": SECRET})


def a_file_is_not_there() -> None:
    Path("/nowhere", SECRET).read_bytes()


def one_leads_to_another() -> None:
    try:
        raise ValueError(SECRET)
    except ValueError as error:
        raise Unreadable(SECRET, ja=SECRET) from error


CASES: dict[Callable[[], None], tuple[str, ...]] = {
    a_model_refuses: ("ValidationError",),
    a_database_refuses: ("OperationalError",),
    a_file_is_not_there: ("FileNotFoundError ENOENT",),
    one_leads_to_another: ("Unreadable submission.unreadable", "arose from", "ValueError"),
}


@pytest.mark.parametrize("go_wrong", CASES)
def test_an_error_is_told_by_its_kind_and_its_places_and_not_by_its_words(
    go_wrong: Callable[[], None], log: io.StringIO
) -> None:
    try:
        go_wrong()
    except Exception:
        logging.getLogger("hayame.test").exception("submission %s failed", "01a2")
    told = log.getvalue()
    assert SECRET not in told
    assert "submission 01a2 failed" in told
    assert f"in {go_wrong.__name__}" in told
    assert [kind for kind in CASES[go_wrong] if kind not in told] == []


def test_an_error_that_arose_from_itself_is_told_once(log: io.StringIO) -> None:
    first, second = ValueError(SECRET), KeyError(SECRET)
    first.__cause__, second.__cause__ = second, first
    logging.getLogger("hayame.test").error("failed", exc_info=first)
    assert (log.getvalue().count("arose from"), SECRET in log.getvalue()) == (1, False)


def test_warnings_of_libraries_are_logged_in_the_same_form_and_lesser_words_are_not(log: io.StringIO) -> None:
    logging.getLogger("some.library").warning("careful")
    logging.getLogger("some.library").info("chatter")
    assert "WARNING some.library careful" in log.getvalue()
    assert "chatter" not in log.getvalue()
