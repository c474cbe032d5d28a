"""A folder into which people drop files: complete ones are taken once, under names that harm nobody."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.collectors.folder import ACCEPTED, IN_HAND, NOTE, Folder
from gateway.collectors.names import LONGEST_NAME, is_meant, safe_name
from gateway.errors import ConfigurationError


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path, settle_s=5)


def settled(folder: Folder) -> list[str]:
    folder.look(100)
    return folder.look(105)[0]


def test_a_file_is_complete_once_it_stayed_the_same_for_a_while(folder: Folder) -> None:
    path = folder.path / "試算表.csv"
    path.write_bytes(b"1")
    assert folder.look(0) == ([], 1)
    path.write_bytes(b"12")
    assert folder.look(5) == ([], 1)
    assert folder.look(9.9) == ([], 1)
    assert folder.look(10) == (["試算表.csv"], 0)


def test_the_oldest_comes_first(folder: Folder) -> None:
    for name, at in (("a", 30), ("b", 10), ("c", 20)):
        (folder.path / name).write_bytes(b"1")
        os.utime(folder.path / name, (at, at))
    assert settled(folder) == ["b", "c", "a"]


def test_what_is_no_complete_document_is_left_alone(folder: Folder) -> None:
    for name in ("~$報告.xlsx", "報告.xlsx.part", ".隠し", "Thumbs.db", "報告.TMP", "報告.csv~"):
        (folder.path / name).write_bytes(b"1")
    (folder.path / "空.csv").touch()
    (folder.path / "下").mkdir()
    (folder.path / "近道.csv").symlink_to(folder.path / "Thumbs.db")
    assert settled(folder) == []
    assert folder.empty() == ["空.csv"]


def test_a_file_that_changes_while_it_is_taken_stays(folder: Folder) -> None:
    path = folder.path / "a.csv"
    path.write_bytes(b"1")
    [name] = settled(folder)
    path.write_bytes(b"12")
    with folder.claim(name, {}) as claim:
        assert claim is None
    assert path.read_bytes() == b"12"
    assert list((folder.path / IN_HAND).iterdir()) == []


def test_a_file_that_is_written_on_after_it_was_taken_is_read_when_it_is_whole(folder: Folder) -> None:
    with (folder.path / "a.csv").open("wb", buffering=0) as writer:
        writer.write(b"1")
        [name] = settled(folder)
        with folder.claim(name, {}) as claim:
            assert claim is not None
            writer.write(b"2")
            assert claim.read() is None
            assert claim.read() == b"12"


def test_of_many_who_take_one_file_one_has_it(folder: Folder) -> None:
    (folder.path / "a.csv").write_bytes(b"1")
    others = [Folder(folder.path, 0) for _ in range(8)]
    taken: list[bool] = []
    barrier = threading.Barrier(len(others))

    def take(other: Folder) -> None:
        other.look(0)
        barrier.wait()
        with other.claim("a.csv", {}) as claim:
            taken.append(claim is not None)

    threads = [threading.Thread(target=take, args=(other,)) for other in others]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(taken) == [False] * 7 + [True]
    assert len(list((folder.path / IN_HAND).iterdir())) == 1


def test_what_one_has_in_hand_no_other_gets_until_it_is_let_go(folder: Folder) -> None:
    (folder.path / "a.csv").write_bytes(b"1")
    [name] = settled(folder)
    other = Folder(folder.path, 0)
    with folder.claim(name, {"asked": 1}) as claim:
        assert claim is not None
        assert list(other.claims()) == []
    [found] = other.claims()
    assert (found.note["key"], found.note["asked"]) == (claim.note["key"], 1)


def test_what_is_done_moves_with_its_answer_and_never_over_another(folder: Folder) -> None:
    for _ in range(2):
        (folder.path / "a.csv").write_bytes(b"1")
        [name] = settled(folder)
        with folder.claim(name, {}) as claim:
            assert claim is not None
            claim.put("a.csv.結果.txt", b"ok")
            claim.finish(folder.path / ACCEPTED)
    assert sorted(path.name for path in (folder.path / ACCEPTED).iterdir()) == ["a.csv", "a.csv (2)"]
    for place in (folder.path / ACCEPTED).iterdir():
        assert sorted(path.name for path in place.iterdir()) == ["a.csv", "a.csv.結果.txt"]


def test_a_note_whose_file_was_never_moved_is_swept_when_it_is_old(folder: Folder) -> None:
    place = folder.path / IN_HAND / "0"
    place.mkdir(parents=True)
    (place / NOTE).write_bytes(orjson.dumps({"key": "0", "name": "a.csv"}))
    assert list(folder.claims()) == []
    assert place.exists()
    os.utime(place, (0, 0))
    assert list(folder.claims()) == []
    assert not place.exists()


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError):
        Folder(tmp_path / "none", 0)


@given(st.binary(min_size=1, max_size=255))
def test_any_name_becomes_one_that_can_be_kept(raw: bytes) -> None:
    name = safe_name(os.fsdecode(raw))
    assert 0 < len(name.encode()) <= LONGEST_NAME
    assert not set(name) & set('/\\\0\n\r\x1b"')
    assert not name.startswith(".")
    assert safe_name(name) == name


@pytest.mark.parametrize(
    ("raw", "name"),
    [
        ("試算表 4月.csv", "試算表 4月.csv"),
        ("か\u3099.csv", "が.csv"),
        ("a\n\x1b[31m\u202excod.csv", "a__[31m_xcod.csv"),
        ("長" * 85, "長" * 66),
        ("長" * 80 + ".csv", "長" * 65 + ".csv"),
    ],
)
def test_names_stay_as_readable_as_they_can(raw: str, name: str) -> None:
    assert safe_name(raw) == name


def test_what_programs_leave_beside_documents_is_not_meant() -> None:
    assert [is_meant(name) for name in ("a.csv", "報告.xlsx", "a.csv.part", "~$a.xlsx")] == [True, True, False, False]
