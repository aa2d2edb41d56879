"""Pages of problem types: simple Markdown as HTML, with everything else escaped."""

from __future__ import annotations

from pathlib import Path

import pytest

from api.docs.problem_pages import rendered
from api.problems.problem_details import TYPES


def body(text: str) -> str:
    return rendered("title", text).partition("<body>")[2].removesuffix("</body></html>")


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("# Title\n\nText with `code`.", "<h1>Title</h1>\n<p>Text with <code>code</code>.</p>"),
        ("## Title\nText", "<h2>Title</h2><p>Text</p>"),
        ("- one\n- two `x`", "<ul><li>one</li><li>two <code>x</code></li></ul>"),
        ('```json\n{"a":\n\n "<b>"}\n```', "<pre>{&quot;a&quot;:\n\n &quot;&lt;b&gt;&quot;}\n</pre>"),
        ("<script>alert(1)</script>", "<p>&lt;script&gt;alert(1)&lt;/script&gt;</p>"),
        ("", ""),
    ],
)
def test_a_page(text: str, html: str) -> None:
    assert body(text) == html


def test_a_title_is_escaped() -> None:
    assert "<title>&lt;b&gt;</title>" in rendered("<b>", "")


@pytest.mark.parametrize("slug", TYPES)
def test_the_page_of_every_type_has_a_title_and_no_markdown_left(problem_pages: Path, slug: str) -> None:
    html = body((problem_pages / f"{slug}.md").read_text(encoding="utf-8"))
    assert html.startswith("<h1>")
    assert "```" not in html
    assert "`" not in html.partition("<pre>")[0]
