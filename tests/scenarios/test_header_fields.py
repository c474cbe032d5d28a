"""What a browser is told with every answer of every address that is described, and of those that are not."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
import yaml
from certificates import Authority
from world import BANK, TOOL, World, running, trial_balance

from gateway.client import Client, Refusal

API = yaml.safe_load((Path(__file__).parents[2] / "openapi" / "gateway.yaml").read_text("utf-8"))
ADDRESSES = [(method.upper(), path) for path, methods in API["paths"].items() for method in methods]
OTHERS = [("GET", "/openapi.json"), ("GET", "/docs"), ("GET", "/nowhere"), ("PATCH", "/v1/submissions")]
NOWHERE = "00000000-0000-0000-0000-000000000000"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, authority: Authority) -> Iterator[World]:
    certificate = str(authority.certify("server"))
    with running(
        tmp_path_factory.mktemp("fields"), None, authority.trusted(), HAYAME_TLS_CERTIFICATE=certificate
    ) as world:
        yield world


@pytest.fixture(scope="module")
def connection(world: World) -> Iterator[httpx2.Client]:
    assert world.tls is not None
    with httpx2.Client(verify=world.tls, base_url=world.base_url, trust_env=False) as connection:
        yield connection


@pytest.fixture(scope="module")
def callers(world: World) -> list[Client]:
    return [world.client(BANK), world.client(TOOL)]


def fields_that_fit(answer: httpx2.Response) -> None:
    told = answer.headers
    assert told["X-Content-Type-Options"] == "nosniff"
    assert told["Referrer-Policy"] == "no-referrer"
    assert told["Strict-Transport-Security"] == "max-age=63072000"
    policy = dict(part.strip().partition(" ")[::2] for part in told["Content-Security-Policy"].split(";"))
    assert (policy["default-src"], policy["frame-ancestors"]) == ("'none'", "'none'")
    assert "unsafe" not in told["Content-Security-Policy"]
    assert "Server" not in told


@pytest.mark.parametrize(("method", "path"), ADDRESSES + OTHERS)
def test_every_answer_to_a_stranger_tells_a_browser_to_do_nothing_with_it(
    connection: httpx2.Client, method: str, path: str
) -> None:
    nobodys = dict.fromkeys(("submission", "subject", "statement", "consent"), NOWHERE)
    fields_that_fit(connection.request(method, path.format(recipient="13", me=BANK, **nobodys)))


def test_so_do_answers_to_those_we_know_and_they_say_what_is_left_of_the_quota(callers: list[Client]) -> None:
    bank, tool = callers
    taken = bank.submit(trial_balance(1, 4), recipient="13")
    for answer in (
        bank.get(f"/v1/submissions/{taken.submission}"),
        bank.get(f"/v1/submissions/{taken.submission}/findings"),
        tool.get("/v1/recipients/13/feed"),
        tool.get("/v1/recipients/13/log/checkpoint"),
    ):
        fields_that_fit(answer)
        assert re.fullmatch(r'"client";r=\d+;t=\d+', answer.headers["RateLimit"])
        assert answer.headers["RateLimit-Policy"] == '"client";q=60000;w=60'


def test_the_page_of_the_description_runs_and_loads_nothing(connection: httpx2.Client) -> None:
    answer = connection.get("/docs")
    page = answer.text
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert re.search(r"<script|<img|<link|<iframe|\son\w+=|javascript:|https?://", page) is None
    (style,) = re.findall("<style>(.*?)</style>", page, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in answer.headers["Content-Security-Policy"]
    for method, path in ADDRESSES:
        assert f"<code>{method} {path}</code>" in page


def test_a_token_and_the_refusal_of_one_are_kept_by_nobody(connection: httpx2.Client) -> None:
    refused = connection.post("/oauth2/token", data={"grant_type": "password"})
    assert (refused.status_code, refused.headers["Cache-Control"]) == (400, "no-store")


@pytest.mark.parametrize("what", ["findings", "evidence"])
def test_nobody_is_answered_in_a_form_that_its_accept_does_not_allow(callers: list[Client], what: str) -> None:
    bank = callers[0]
    address = f"/v1/submissions/{bank.submit(trial_balance(1, 4), recipient='13').submission}/{what}"
    with pytest.raises(Refusal) as refusal:
        bank.get(address, headers={"accept": "application/xml"})
    assert refusal.value.status == 406
    other = bank.get(address, headers={"accept": "application/json;q=0, */*"})
    assert not other.headers["content-type"].startswith("application/json")
    assert bank.get(address, headers={"accept": "image/png, */*;q=0.1"}).headers["content-type"] == "application/json"
