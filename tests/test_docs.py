"""What is written about the house is true of it: settings, commands, error codes, failpoints, words, pages and links."""

from __future__ import annotations

import argparse
import ast
import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from jklg import settings as settings_module
from jklg.kit import errors, failpoints
from jklg.settings import Settings

ROOT = Path(__file__).parent.parent
SRC = ROOT / "src" / "jklg"
DOCS = ROOT / "docs"


def text(name: str) -> str:
    return (ROOT / name).read_text("utf-8")


def first_column(name: str, heading: str) -> list[str]:
    """The first cells of the table under `heading`, without backticks."""
    part = f"\n{text(name)}".partition(f"\n{heading}\n")[2]
    part = re.split(r"\n#+ ", part)[0]
    cells = [row.split("|")[1].strip().strip("`") for row in part.splitlines() if row.startswith("|")][2:]
    assert cells, f"{name}, {heading}: no table there"
    return cells


# --- settings ---------------------------------------------------------------------------------------------------------


def variables() -> dict[str, str]:
    """Environment variable -> field of Settings, as `settings.load` reads them."""
    load = next(
        node
        for node in ast.parse(Path(settings_module.__file__).read_text()).body
        if isinstance(node, ast.FunctionDef) and node.name == "load"
    )
    found = {}
    for call in ast.walk(load):
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "Settings":
            for keyword in call.keywords:
                names = [
                    node.value
                    for node in ast.walk(keyword.value)
                    if isinstance(node, ast.Constant) and isinstance(node.value, str)
                ]
                found.update({name: str(keyword.arg) for name in names if re.fullmatch(r"[A-Z][A-Z_]+", name)})
    return found | {"PORT": "port", "JKLG_WORKER_POLL_SECONDS": "worker_poll_seconds"}


def test_every_setting_is_documented_with_its_default() -> None:
    found = variables()
    assert set(found.values()) == set(Settings.__dataclass_fields__), (
        "settings.load reads something this test does not see"
    )
    rows = {
        row.split("|")[1].strip(" `"): row.split("|")[2].strip()
        for row in text("docs/running-it.md").splitlines()
        if row.startswith("| `")
    }
    defaults = Settings()
    for name, field in found.items():
        assert name in rows, f"docs/running-it.md does not explain {name}"
        default = getattr(defaults, field)
        said = "empty" if default in ("", ()) else f"`{int(default) if isinstance(default, bool | float) else default}`"
        assert rows[name].startswith(said), (
            f"docs/running-it.md says that {name} is {rows[name]} by default; it is {said}"
        )


# --- commands ---------------------------------------------------------------------------------------------------------


def commands(parser: argparse.ArgumentParser, name: str = "jklg") -> Iterator[tuple[str, list[str]]]:
    """Every command with its flags."""
    below = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    for action in below:
        for word, sub in action.choices.items():
            yield from commands(sub, f"{name} {word}")
    if not below:
        yield (
            name,
            [action.option_strings[0] for action in parser._actions if action.option_strings and action.dest != "help"],
        )


def test_every_command_and_flag_is_documented() -> None:
    from jklg.cli import _parser

    rows = {
        row.split("|")[1].strip(" `"): row
        for row in text("docs/running-it.md").splitlines()
        if row.startswith("| `jklg ")
    }
    told = dict(commands(_parser()))
    assert told.keys() == rows.keys(), "docs/running-it.md, Commands: not the commands there are"
    missing = [f"{name} {flag}" for name, flags in told.items() for flag in flags if f"`{flag}`" not in rows[name]]
    assert not missing, f"docs/running-it.md does not mention {missing}"


# --- refusals ---------------------------------------------------------------------------------------------------------


def codes() -> set[str]:
    """Every code that a refusal of ours may carry: what Refusal's subclasses are raised with, and the words of web.errors."""
    from jklg.web import errors as web_errors

    found = {code for code, _ in web_errors.HTTP_WORDS.values()}
    for path in SRC.rglob("*.py"):
        if not path.is_relative_to(SRC / "sandbox"):
            found |= set(_codes_of(ast.parse(path.read_text("utf-8"))))
    return found


def _codes_of(tree: ast.Module) -> Iterator[str]:
    kinds = {name for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, errors.Refusal)}
    kinds |= {
        node.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef) and any(isinstance(b, ast.Name) and b.id in kinds for b in node.bases)
    }
    helpers: dict[str, tuple[int, str]] = {}  # function -> which of its arguments is the code, and what is made of it
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef):
            names = [argument.arg for argument in function.args.args]
            for call in ast.walk(function):
                if (
                    isinstance(call, ast.Call)
                    and call.args
                    and isinstance(call.func, ast.Name)
                    and call.func.id in kinds | {"kind"}
                ):
                    first = call.args[0]
                    if isinstance(first, ast.Name) and first.id in names:
                        helpers[function.name] = (names.index(first.id), "{}")
                    if (
                        isinstance(first, ast.JoinedStr)
                        and isinstance(first.values[0], ast.FormattedValue)
                        and isinstance(first.values[-1], ast.Constant)
                    ):
                        helpers[function.name] = (
                            names.index(ast.unparse(first.values[0].value)),
                            "{}" + str(first.values[-1].value),
                        )
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
            place, form = (0, "{}") if name in kinds else (1, "{}") if name == "Answer" else helpers.get(name, (99, ""))
            if len(node.args) > place:
                yield from (form.format(word) for word in _words(node.args[place]))
        if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Dict) and ast.unparse(node.slice) == "code":
            yield from (word for key in node.value.keys if key for word in _words(key))


def _words(node: ast.AST) -> set[str]:
    if isinstance(node, ast.IfExp):
        return _words(node.body) | _words(node.orelse)
    return {node.value} if isinstance(node, ast.Constant) and isinstance(node.value, str) else set()


def test_every_error_code_is_documented_and_exists() -> None:
    told = set(first_column("docs/errors.md", "## Codes"))
    assert codes() - told == set(), "raised, and not in docs/errors.md"
    assert told - codes() == set(), "in docs/errors.md, and raised nowhere"


# --- the staircase, benchmarks ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md"])
def test_the_staircase_that_is_drawn_is_the_one_that_is_checked(name: str) -> None:
    project = tomllib.loads(text("pyproject.toml"))["tool"]["importlinter"]["contracts"]
    layers = next(each["layers"] for each in project if each["type"] == "layers" and each["containers"] == ["jklg"])
    built = [
        room
        for layer in layers
        for room in re.findall(r"\w+", layer)
        if (SRC / room).exists() or (SRC / f"{room}.py").exists()
    ]
    drawn = re.search(r"```\n(cli, .*?)```", text(name), re.DOTALL)
    assert drawn is not None
    rooms = [room for line in drawn.group(1).splitlines() for room in re.findall(r"\w+", re.split(r" {3,}", line)[0])]
    untold = {"__main__", "demo", "sandbox", "migrations"}  # no nouns of the trade
    assert sorted(rooms) == sorted(set(built) - untold)
    steps = [{*re.findall(r"\w+", re.split(r" {3,}", line)[0])} for line in drawn.group(1).splitlines()]
    assert [place for step in steps for place in {min(built.index(room) for room in step)}] == sorted(
        min(built.index(room) for room in step) for step in steps
    ), "in another order"


def test_every_benchmark_is_told() -> None:
    from bench.__main__ import BENCHMARKS

    assert {f"./jklg bench {name}" for name in BENCHMARKS} == set(first_column("docs/benchmarks.md", "# Benchmarks"))


# --- failpoints, words, links -----------------------------------------------------------------------------------------


def test_every_failpoint_is_told_in_the_money_path() -> None:
    told = first_column("docs/money-path.md", "## Where the tests may kill the house")
    assert set(told) == failpoints.NAMES
    reached = set(
        re.findall(r'failpoints\.reach\("(\w+)"\)', "\n".join(path.read_text() for path in SRC.rglob("*.py")))
    )
    assert reached == failpoints.NAMES


def test_the_money_path_names_functions_that_exist() -> None:
    """A story with wrong names is worse than none, at night."""
    story = text("docs/money-path.md").partition("## In order")[2].partition("## I")[0]
    defined = {
        node.name
        for path in SRC.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
    }
    sql = "\n".join(path.read_text("utf-8") for path in (SRC / "migrations").glob("*.sql"))
    for name in re.findall(r"`([A-Za-z_.]+)`", story):
        last = name.rpartition(".")[2]
        if (SRC / name.replace(".", "/")).with_suffix(".py").exists():
            continue
        if "." in name or last.startswith("_"):
            assert last in defined or last in sql, f"docs/money-path.md speaks of {name}"


def test_every_word_of_the_glossary_is_used() -> None:
    house = "\n".join(
        path.read_text("utf-8") for kind in ("*.py", "*.sql", "*.html") for path in SRC.rglob(kind)
    ).lower()
    for cell in first_column("docs/glossary.md", "# Words"):
        for word in re.findall(r"\*\*(.+?)\*\*", cell):
            for each in word.split(", "):
                stem = each.replace(" ", "[ _]").removesuffix("e")
                assert re.search(rf"{stem}", house), f"docs/glossary.md: nobody says {each!r}"


@pytest.mark.parametrize(
    "path",
    sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md"), *(ROOT / "deploy").rglob("*.md")]),
    ids=lambda path: path.relative_to(ROOT).as_posix(),
)
def test_every_relative_link_leads_somewhere(path: Path) -> None:
    broken = []
    for target in re.findall(r"\]\(([^)\s]+)\)", path.read_text("utf-8")):
        if re.match(r"[a-z]+:", target):
            continue
        place, _, anchor = target.partition("#")
        found = (path.parent / place) if place else path
        if not found.exists() or (anchor and found.suffix == ".md" and anchor not in _anchors(found)):
            broken.append(target)
    assert not broken, f"{path.name} links to {broken}"


def _anchors(path: Path) -> set[str]:
    headings = re.findall(r"(?m)^#+ (.+)$", path.read_text("utf-8"))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


# --- pages ------------------------------------------------------------------------------------------------------------


def routes() -> Iterator[tuple[str, str]]:
    """(method, path) of everything the web answers."""
    from jklg.app import create_app

    app = create_app(settings=Settings(secrets=("x" * 32,)))
    for route in app.routes:
        for method in getattr(route, "methods", ()):
            if method not in ("OPTIONS", "HEAD"):
                yield str(method), re.sub(r"\{(\w+)(:\w+)?\}", r"{\1}", route.path)


def test_every_address_is_in_the_openapi_description_or_in_the_table_of_pages() -> None:
    from jklg.app import create_app

    described: dict[str, Any] = json.loads(
        json.dumps(create_app(settings=Settings(secrets=("x" * 32,))).openapi_schema.to_schema())
    )
    api = {(method.upper(), path) for path, methods in described["paths"].items() for method in methods}
    rows = [row.split("|") for row in text("docs/pages.md").splitlines() if row.startswith(("| GET", "| POST"))]
    pages = [(method, row[2].strip(" `")) for row in rows for method in row[1].strip().split(", ")]
    listed = set(pages)
    assert [page for page in pages if pages.count(page) > 1] == [], "twice in docs/pages.md"
    files = {row[4].strip(" `") for row in rows} - {"Litestar"}
    assert [file for file in files if not (SRC / file).is_file()] == [], "in docs/pages.md, and no file of ours"
    assert sorted(set(routes()) - api - listed) == [], "answered, and neither in OpenAPI nor in docs/pages.md"
    assert sorted(listed - set(routes())) == [], "in docs/pages.md, and not answered"
