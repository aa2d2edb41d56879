"""What a problem of the API says to a person: what happened, what to do, and which fields are wrong."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from web.api_client import ApiProblem, FieldError
from web.formatting import when
from web.languages import Texts

#: Problem types that have texts of their own; all others use those of `internal-error`.
FALLBACK = "internal-error"


@dataclass(frozen=True)
class Explained:
    """A problem in the visitor's language."""

    slug: str
    title: str
    what_to_do: str
    #: by the JSON pointer of the field
    fields: dict[str, str] = field(default_factory=dict)
    #: available units of each product that is short, by its id
    shortages: dict[str, int] = field(default_factory=dict)
    trace_id: str = ""

    def of(self, pointer: str) -> str | None:
        """The error of one field, if any."""
        return self.fields.get(pointer)

    def available(self, product_id: str) -> int | None:
        """How many units there are of a product that is short; None for any other product."""
        return self.shortages.get(product_id)


def explain(problem: ApiProblem, texts: Texts) -> Explained:
    """The problem for a person."""
    slug = problem.slug if texts.find(f"problem.{problem.slug}.title") else FALLBACK
    return Explained(
        slug=problem.slug,
        title=texts(f"problem.{slug}.title"),
        what_to_do=_what_to_do(slug, problem.retry_after, texts),
        fields={each.pointer: _of_field(each, texts) for each in problem.errors},
        shortages={
            str(each["productId"]): int(each["available"])
            for each in problem.document.get("products") or ()
            if "available" in each
        },
        trace_id=problem.trace_id,
    )


def explain_as(problem: ApiProblem, texts: Texts, name: str) -> Explained:
    """A refusal in the words of its page: `<name>.title`, and the API's own reason, which is English.

    In other languages `<name>.do` says what the reason says. A problem that is no conflict is explained as usual.
    """
    explained = explain(problem, texts)
    if problem.status != 409:
        return explained
    reason = problem.detail if texts.language == "en" and problem.detail else texts(f"{name}.do")
    return replace(explained, title=texts(f"{name}.title"), what_to_do=reason)


def _what_to_do(slug: str, retry_after: int | None, texts: Texts) -> str:
    what_to_do = texts(f"problem.{slug}.do")
    if not retry_after:
        return what_to_do
    return f"{what_to_do} {texts('problem.retry_after', when=when(retry_after, texts.language))}"


def _of_field(error: FieldError, texts: Texts) -> str:
    """By the code, else by the name of the field; else the API's message, which is English."""
    own = texts.find(f"field.{error.code}") or texts.find(f"field.of.{error.pointer.rpartition('/')[2]}")
    return own or (error.message if texts.language == "en" else texts("field.other"))
