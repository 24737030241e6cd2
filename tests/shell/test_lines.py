"""The line of `%%conduct`: what it says, and what is wrong with it, before anything is looked up."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conductor_magic.commands.resume import said_anew
from conductor_magic.errors import ConductUsageError
from conductor_magic.lines import Line, parse_line, split_line
from conductor_magic.namespace import check_answers, look_up
from conductor_magic.option_table import OPTIONS, SUBCOMMANDS, help_text
from conductor_magic.settings import Options

READ = {
    "": {},
    "   ": {},
    "report": {"name": "report"},
    "report --workers 4": {"name": "report", "workers": "4"},
    "--workers=4 report": {"name": "report", "workers": "4"},
    "-w 4": {"workers": "4"},
    "-w4": {"workers": "4"},
    "-w=4": {"workers": "4"},
    "-w -3": {"workers": "-3"},
    "-b -q": {"background": True, "quiet": True},
    "-bq": {"background": True, "quiet": True},
    "--quiet --quiet": {"quiet": True},
    "--use a,b --use c": {"use": ["a,b", "c"]},
    "--cap worker.usd=0.1 --cap=run.calls=3": {"cap": ["worker.usd=0.1", "run.calls=3"]},
    "--tier opus=x --tier haiku=y=z": {"tiers": ["opus=x", "haiku=y=z"]},
    '--workspace "my data"': {"workspace": "my data"},
    "--workspace='my data'": {"workspace": "my data"},
    r"--workspace C:\new\table": {"workspace": r"C:\new\table"},
    "--returns dict[str, int] out": {"returns": "dict[str, int]", "name": "out"},
    '--returns Literal["a b", "c"]': {"returns": 'Literal["a b", "c"]'},
    '--returns "list[Model]"': {"returns": "list[Model]"},
    "--budget none --timeout 1.5": {"budget": "none", "timeout": "1.5"},
    "ｒｅｐｏｒｔ": {"name": "report"},
    "größe": {"name": "größe"},
    "--tier\topus=x": {"tiers": ["opus=x"]},
}

REFUSED = {
    "--wrokers 3": "Did you mean --workers?",
    "--Workers 3": "Did you mean --workers?",
    "-workers 3": "Did you mean --workers?",
    "--work_space .": "Did you mean --workspace?",
    "--resume nope": "There is no option '--resume'",
    "--pool local": "There is no option '--pool'",
    "--": "There is no option '--'",
    "-": "There is no option '-'",
    "-x": "There is no option '-x'",
    "-3": "There is no option '-3'",
    "--workers": "--workers needs a value: --workers N",
    "--workers=": "--workers needs a value",
    "--workers --budget 2": "--workers needs a value",
    "--use -q": "--use needs a value",
    "--guide ''": "--guide needs a value",
    "--workers 2 -w 3": "--workers was given twice: '2' and '3'",
    "--quiet=yes": "--quiet is a switch",
    "'unbalanced": "The quote ' at character 1",
    'report --use "a': 'The quote " at character 14',
    "it's": "The quote ' at character 3",
    "--returns list[int": "The [ at character 15",
    "--returns tuple(": "The ( at character 16",
    "a b": "one name for the result, not 2",
    'report "Find churn"': "The goal goes below the line",
    "workers 4": "Did you mean --workers?",
    "workers=4": "Did you mean --workers?",
    "—workers 4": "Did you mean --workers?",
    "—verbose": "begins with a long dash",
    "3rd": "cannot be a variable's name",
    "a.b": "cannot be a variable's name",
    "''": "cannot be a variable's name",
    "“report”": "cannot be a variable's name",
    "class": "belongs to Python",
    "None": "belongs to Python",
    "_": "belongs to IPython",
    "get_ipython": "belongs to IPython",
    "a\x00b": "cannot be a variable's name",
    "x" * 10_000 + "!": "cannot be a variable's name",
}


@pytest.mark.parametrize(("line", "given_options"), READ.items())
def test_read(line: str, given_options: dict[str, object]) -> None:
    """A good line gives its options as text, by their field in `Options`."""
    assert parse_line(line) == Line(given_options)


@pytest.mark.parametrize(("line", "said"), REFUSED.items())
def test_refused(line: str, said: str) -> None:
    """A bad line is told on one line that names what is wrong."""
    with pytest.raises(ConductUsageError) as error:
        parse_line(line)
    message = str(error.value)
    assert said in message
    assert message.isprintable()
    assert len(message) < 300


@pytest.mark.parametrize("line", ["--help", "-h", "report --workers 3 --help"])
def test_help_is_asked_for(line: str) -> None:
    """Asking for help runs nothing, whatever else stands on the line."""
    assert parse_line(line) == Line(help=True)


def test_help_names_every_option_and_its_default() -> None:
    """The help is made from the table that parses, so it cannot fall behind."""
    text = help_text()
    for option in OPTIONS:
        assert option.usage in text
        assert f"(default: {option.default})" in text
    assert {option.field for option in OPTIONS} | {"name"} == set(Options.__dataclass_fields__)


def test_help_names_what_resume_and_clean_take() -> None:
    """The new totals and the mode; and the word for what `clean` does anyway."""
    said = SUBCOMMANDS["resume RUN [NAME]"]
    assert [word for word in ("--budget", "--timeout", "--cap", "--mode") if word not in said] == []
    assert "--dry-run" in SUBCOMMANDS["clean --older-than AGE [--yes]"]


@given(st.text())
def test_any_line_is_split_or_refused(line: str) -> None:
    """No text on the line raises anything but the usage error."""
    try:
        words = split_line(line)
    except ConductUsageError as error:
        assert "\n" not in str(error)
    else:
        assert all(isinstance(word, str) for word in words)


@given(st.lists(st.text(alphabet=st.characters(exclude_characters="\"'", exclude_categories=["C", "Z"]), min_size=1)))
def test_quoted_words_come_back(words: list[str]) -> None:
    """Words in quotes are one word each, whatever is in them."""
    assert split_line(" ".join(f'"{word} x"' for word in words)) == [f"{word} x" for word in words]


class Model:
    """Stands for a type in the notebook."""


NOTEBOOK = {
    "sales": [1],
    "costs": [2],
    "Model": Model,
    "five": 5,
    "replies": {"Which?": "this", "How": ["a", "b"]},
    "odd": {1: "a"},
    "deep": {"Which?": {"a": 1}},
    "void": {"Which?": []},
}


def test_names_are_looked_up() -> None:
    """Variables, the type and the answers are the notebook's own objects."""
    found = look_up(Options(use=("sales",), returns="list[Model]", answers="replies"), NOTEBOOK)
    assert found.variables == {"sales": [1]}
    assert found.variables["sales"] is NOTEBOOK["sales"]
    assert found.returns == list[Model]
    assert found.answers is NOTEBOOK["replies"]


@pytest.mark.parametrize("text", ["Model", "int", "dict[str, list[Model]]", "int | None", " Model "])
def test_types_for_returns(text: str) -> None:
    """Classes, generics and unions are types."""
    assert look_up(Options(returns=text), NOTEBOOK).returns is not None


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (Options(use=("sale",)), "Did you mean sales?"),
        (Options(use=("sales", "print")), "no variable 'print'"),
        (Options(answers="replie"), "Did you mean replies?"),
        (Options(answers="five"), "must be a dict"),
        (Options(answers="odd"), "1 has 'a'"),
        (Options(answers="deep"), "a text or a list of texts"),
        (Options(answers="void"), "a text or a list of texts"),
        (Options(returns="Modle"), "Did you mean Model?"),
        (Options(returns="five"), "must be a type"),
        (Options(returns="'Model'"), "must be a type"),
        (Options(returns="list["), "no Python expression"),
        (Options(returns="x = 1"), "no Python expression"),
        (Options(returns="1 / 0"), "ZeroDivisionError"),
        (Options(returns="None"), "must be a type"),
    ],
)
def test_what_is_not_there(options: Options, said: str) -> None:
    """A name that does not exist, or is of the wrong kind, is told on one line."""
    with pytest.raises(ConductUsageError) as error:
        look_up(options, NOTEBOOK)
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_answers_from_python() -> None:
    """`conduct(answers=…)` passes the same check."""
    assert check_answers({"Which?": "this"}) == {"Which?": "this"}
    with pytest.raises(ConductUsageError, match="answers must be a dict"):
        check_answers(["this"])


@pytest.mark.parametrize("words", [["1x"], ["report", "Find churn"]])
def test_a_run_that_has_begun_keeps_its_goal(words: list[str]) -> None:
    """The lines of `%conduct go` and `%conduct resume` have nothing below them: no one is sent there."""
    with pytest.raises(ConductUsageError, match=r"\. The goal stays as the run began with it\.$"):
        said_anew(words, ())
