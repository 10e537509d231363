"""What pages show and in which order.

Here: names that a Jinja template uses, sorted lists of people, HTML attributes and table headings.
Not here: what the sentences may say (packets proves each sentence by its predicate).
"""

from collections.abc import Iterator
from html.parser import HTMLParser

from jinja2 import Environment, TemplateSyntaxError, nodes

from metrics_catalog.guard.vocabulary import Leak, leaks_in_names, snake_case

PEOPLE = {
    "people", "persons", "engineers", "developers", "members", "reports", "reviewers", "authors",
    "responders", "contributors", "colleagues", "subjects", "accounts", "users", "roster", "managers",
    "assignees",
}  # fmt: skip
"""Last words of lists whose items are people."""

ORDERS_ALLOWED = {"name", "display_name", "person_id"}
"""By these a list of people may be sorted: they say nothing about anybody."""

SORTS = {"sort", "dictsort", "max", "min"}


def leaks_in_template(text: str, place: str) -> tuple[Leak, ...]:
    """Refused names in expressions, attributes and headings, and people sorted by anything but their name."""
    try:
        tree = Environment(autoescape=True, extensions=["jinja2.ext.do", "jinja2.ext.loopcontrols"]).parse(
            text
        )
    except TemplateSyntaxError as error:
        return (Leak(kind="unreadable", place=place, name="template", reason=error.message or "syntax"),)
    page = _Page()
    # Expressions stand in the page as a word of their own, so that the tags around them stay whole.
    page.feed(
        "".join(data.data if isinstance(data, nodes.TemplateData) else " x " for data in _printed(tree))
    )
    page.close()
    names = [*_names(tree), *page.names]
    return tuple(dict.fromkeys([*leaks_in_names(names, place), *_sorted_people(tree, place)]))


def _printed(tree: nodes.Template) -> Iterator[nodes.Node]:
    for output in tree.find_all(nodes.Output):
        yield from output.nodes


def _names(tree: nodes.Template) -> Iterator[str]:
    for node in tree.find_all(
        (nodes.Name, nodes.Getattr, nodes.Keyword, nodes.Const, nodes.Macro, nodes.Block)
    ):
        if isinstance(node, nodes.Getattr):
            yield node.attr
        elif isinstance(node, nodes.Keyword):
            yield node.key
        elif isinstance(node, nodes.Const):
            # Text that could name a key: item["additions"], sort(attribute="person.value").
            yield from node.value.split(".") if isinstance(node.value, str) and " " not in node.value else ()
        elif isinstance(node, nodes.Name | nodes.Macro | nodes.Block):
            yield node.name


def _sorted_people(tree: nodes.Template, place: str) -> Iterator[Leak]:
    for use in tree.find_all(nodes.Filter):
        people = use.node and _last_word(use.node) in PEOPLE
        if use.name in SORTS and people and _order(use) not in ORDERS_ALLOWED:
            name = f"{_last_word(use.node)}|{use.name}({_order(use)})"
            yield Leak(
                kind="ranking", place=place, name=name, reason="people are listed by name, or not at all"
            )


def _last_word(node: nodes.Node | None) -> str:
    """``report.team_members|selectattr(..)|list`` is about ``members``."""
    if isinstance(node, nodes.Filter | nodes.Call):
        return _last_word(node.node)
    name = node.attr if isinstance(node, nodes.Getattr) else getattr(node, "name", "")
    if isinstance(node, nodes.Getattr) and name in {"items", "values", "keys"}:
        return _last_word(node.node)
    return snake_case(name).rpartition("_")[2]


def _order(use: nodes.Filter) -> str:
    """The attribute that a sort goes by; "" where it is not written out as one word."""
    given = [keyword.value for keyword in use.kwargs if keyword.key in {"attribute", "by"}]
    given += use.args[2:3] if use.name == "sort" else use.args[1:2]
    return str(given[0].value) if given and isinstance(given[0], nodes.Const) else ""


class _Page(HTMLParser):
    """Names of attributes, values of those that are names themselves, and headings of tables."""

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []
        self._in_heading = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._in_heading = tag in {"th", "caption", "dt"}
        for name, value in attrs:
            self.names.append(name)
            if name in {"id", "name", "for"} and value:
                self.names.append(value)

    def handle_endtag(self, tag: str) -> None:
        self._in_heading = self._in_heading and tag not in {"th", "caption", "dt"}

    def handle_data(self, data: str) -> None:
        if self._in_heading and len(data.split()) <= 4:
            self.names.append(data)
