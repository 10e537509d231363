"""The templates of this package, read as package data.

Autoescape is on everywhere and undefined names are errors: a template never guesses.
"""

from functools import cache
from importlib.resources import files
from urllib.parse import quote

from jinja2 import Environment, FunctionLoader, StrictUndefined, Template
from markupsafe import Markup


def _source(name: str) -> str:
    return (files("packets") / "templates" / name).read_text("utf-8")


@cache
def template(name: str) -> Template:
    """The template of that file name."""
    environment = Environment(
        loader=FunctionLoader(_source),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template(name)


@cache
def stylesheet() -> Markup:
    """The style sheet of all pages, to be put into the page."""
    return Markup(_source("packet.css"))  # our own file, nothing foreign in it


def mail_link(subject: str, body: str) -> str:
    """A mail without an addressee, filled in; the reader's own mail program adds whom to send it to."""
    return f"mailto:?subject={quote(subject, safe='')}&body={quote(body, safe='')}"
