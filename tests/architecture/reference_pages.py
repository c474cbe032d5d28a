"""The pages that are made from code: docs/rules.md, docs/adapters.md, docs/record-kinds.md, openapi/gateway.yaml.

Run as a program, it rewrites them.
"""

from __future__ import annotations

import importlib
import inspect
import json
import pkgutil
import re
import sys
from contextlib import AbstractAsyncContextManager
from functools import partial
from pathlib import Path
from typing import Any, cast

import yaml
from kind_pages import kinds_md
from project_files import ROOT

from gateway import rules
from gateway.api.app import create_app
from gateway.api.parts import Parts
from gateway.plugins import load_adapters
from gateway.ports import Adapter
from gateway.rules.not_run import NOT_RUN, NotRun
from gateway.rules.rule import REGISTRY, Rule

MADE = "<!-- Made from the code by `make docs`; edit the docstrings. -->"
HEADING = re.compile(r"(?P<star>\*)?(?P<name>[A-Z][A-Za-z ]{2,30})(?(star)\*|:)(?: +|$)(?P<text>.*)")
SEVERITIES = {"refuse": "差戻し", "hold": "保留", "warn": "警告", "info": "参考"}

RULES = f"""{MADE}
# Rules · 検査規則

Each check has a code that is never used for anything else. **refuse · 差戻し** gives the record back,
**hold · 保留** keeps it until it is known whose it is, **warn · 警告** and **info · 参考** let it in and
say so. Braces stand for the values of the case.
"""

NOT_RUN_HEAD = """
# Not run · 実施していない検査

What the list of checks also asks for and no rule does. Nothing of this is said to have been checked: a receipt counts
the rules that ran.
"""

NOTHING_LEFT = "At present there is none: every check of the list is run. · 現在、該当する検査はありません。"

ADAPTERS = f"""{MADE}
# Adapters · 対応形式

What can be sent as it is. The format is recognised from the content; `adapter=` overrides. To add one:
[writing an adapter](writing-an-adapter.md).
"""


def sections(docstring: str) -> tuple[str, dict[str, str]]:
    """The prose of a docstring and its headed sections, every one as running text."""
    prose: list[str] = []
    headed: dict[str, list[str]] = {}
    here = prose
    for number, line in enumerate(inspect.cleandoc(docstring).splitlines()):
        heading = HEADING.match(line)
        if heading and number:  # the first line is a sentence, whatever it contains
            here = headed.setdefault(heading["name"], [])
            line = heading["text"]
        elif not line:
            here = prose
        here.append(line.strip())
    return paragraphs(prose), {name: paragraphs(lines) for name, lines in headed.items()}


def paragraphs(lines: list[str]) -> str:
    """Lines joined to paragraphs; double backticks are Markdown's single ones."""
    text = re.sub(r"(?<!\n)\n(?!\n)", " ", re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip())
    return text.replace("``", "`")


def rule_page(rule: Rule) -> str:
    """One rule as people read it."""
    summary, headed = sections(rule.page) if rule.check else ("", {})
    source = headed.pop("Source", rule.source).removesuffix(".")
    headed.pop("Remedy", None)  # said below, in both languages
    kinds = ", ".join(f"`{kind}`" for kind in sorted(rule.kinds)) or "any"
    needs = f" · looks in `{rule.of}` ([reference data](reference-data.md))" if rule.of else ""
    parts = [
        f"## {rule.code}",
        f"**{rule.severity} · {SEVERITIES[rule.severity]}** · {kinds} · {source}{needs}",
        f"{rule.words.ja}<br>{rule.words.en}",
        summary,
        "\n".join(f"- *{name}:* {text}" for name, text in headed.items()),
        f"対処: {rule.words.remedy_ja}<br>Remedy: {rule.words.remedy_en}",
    ]
    return "\n\n".join(part for part in parts if part)


def not_run_page(code: str, check: NotRun) -> str:
    """A check that is not made, as people read it."""
    return f"## {code}\n\n{check.ja}<br>{check.en}\n\n- *Not run:* {check.because}.\n- *Needs:* {check.needs}."


def adapter_page(adapter: Adapter) -> str:
    """One adapter as its module describes it."""
    module = sys.modules[type(adapter).__module__]
    summary, headed = sections(module.__doc__ or "")
    first, _, notes = summary.partition("\n\n")
    facts = [
        f"| version | {adapter.version} |",
        f"| kinds | {', '.join(f'`{kind}`' for kind in sorted(adapter.kinds))} |",
        f"| media types | {', '.join(f'`{media_type}`' for media_type in sorted(adapter.media_types))} |",
        *(f"| {name.lower()} | {text} |" for name, text in headed.items()),
    ]
    return "\n\n".join(filter(None, [f"## {adapter.name}", first, "| | |\n|---|---|\n" + "\n".join(facts), notes]))


def natural(code: str) -> list[tuple[str, int]]:
    """Order in which V2 stands before V10."""
    return [(letters, int(digits or 0)) for letters, digits in re.findall(r"(\D+)(\d*)", code)]


def rules_md() -> str:
    """The page of all rules."""
    for module in pkgutil.iter_modules(rules.__path__, "gateway.rules."):
        importlib.import_module(module.name)
    pages = [rule_page(REGISTRY[code]) for code in sorted(REGISTRY, key=natural)]
    others = [not_run_page(code, check) for code, check in NOT_RUN.items()] or [NOTHING_LEFT]
    return "\n\n".join([RULES.strip(), *pages, NOT_RUN_HEAD.strip(), *others]) + "\n"


def adapters_md() -> str:
    """The page of all adapters that the project brings."""
    own = [adapter for adapter in load_adapters().values() if type(adapter).__module__.startswith("gateway.")]
    return "\n\n".join([ADAPTERS.strip(), *map(adapter_page, own)]) + "\n"


EXAMPLES = ROOT / "openapi" / "examples"

API = """\
# Made from the code by `make docs`; edit gateway/api. A running gateway serves the same at /openapi.json, without the
# links to the examples that lie beside this file.
"""


MEDIA_TYPES = {
    "json": {"application/json", "application/jwk-set+json", "application/linkset+json", "application/problem+json"},
    "cloudevents.json": {"application/cloudevents-batch+json"},
    "ndjson": {"application/x-ndjson"},
    "csv": {"text/csv"},
    "txt": {"text/plain"},
}
"""What an example's suffix may stand for."""


class Published(yaml.SafeDumper):
    """YAML that people read and that versions 1.1 and 1.2 of YAML understand alike."""


def _text(dumper: Published, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text else "'" if text[:1] in "+-.0123456789" and text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style)


Published.add_representer(str, _text)


def served() -> dict[str, Any]:
    """The description that a gateway serves; none has to run to say it."""

    def nothing_runs() -> AbstractAsyncContextManager[None]:
        raise AssertionError("describing starts nothing")

    api: dict[str, Any] = json.loads(json.dumps(create_app(cast(Parts, None), nothing_runs).openapi()))
    return api


def openapi_yaml() -> str:
    """The description with links to the examples: documents to submit, and answers by operation and status."""
    api = served()
    body = operations(api)["submit"]["requestBody"]["content"]["*/*"]
    body["examples"] = {path.name: linked(path) for path in sorted((EXAMPLES / "documents").iterdir())}
    for path in sorted((EXAMPLES / "answers").iterdir()):
        answer_content(api, path.name).setdefault("examples", {})[path.name] = linked(path)
    return API + yaml.dump(api, Dumper=Published, allow_unicode=True, sort_keys=False, width=116)


def operations(api: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Every operation of a description by its id."""
    return {operation["operationId"]: operation for path in api["paths"].values() for operation in path.values()}


def answer_content(api: dict[str, Any], name: str) -> dict[str, Any]:
    """What a description says of an answer named ``<operation>.<status>.<suffix>``.

    Raises:
        LookupError: it does not know such an answer.
    """
    operation, status, suffix = name.split(".", 2)
    answer = operations(api)[operation]["responses"][status]
    shared = answer.get("$ref", "").rpartition("/")[2]
    content = (api["components"]["responses"][shared] if shared else answer)["content"]
    [found] = [content[media_type] for media_type in content if media_type in MEDIA_TYPES[suffix]]
    return cast(dict[str, Any], found)


def linked(path: Path) -> dict[str, str]:
    """An example that is a file, relative to the description."""
    return {"externalValue": path.relative_to(EXAMPLES.parent).as_posix()}


PAGES = {
    "docs/rules.md": rules_md,
    "docs/adapters.md": adapters_md,
    "docs/record-kinds.md": partial(kinds_md, MADE),
    "openapi/gateway.yaml": openapi_yaml,
}

if __name__ == "__main__":
    for name, page in PAGES.items():
        (ROOT / name).write_text(page(), "utf-8")
