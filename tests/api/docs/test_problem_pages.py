"""Pages for developers of clients: the start page, the guide, and the problem types, from Markdown."""

from __future__ import annotations

import base64
import hashlib
import re
from pathlib import Path

import httpx2
import pytest

from api.html_pages import markdown, page
from api.problems.problem_details import TYPES
from sandbox.standins.provider import test_cards
from services.orders.status import TRANSITIONS


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("# Title\n\nText with `code`.", "<h1>Title</h1>\n<p>Text with <code>code</code>.</p>\n"),
        ("<script>alert(1)</script>", "<p>&lt;script&gt;alert(1)&lt;/script&gt;</p>\n"),
        ("a <b>b</b>", "<p>a &lt;b&gt;b&lt;/b&gt;</p>\n"),
        ("[x](javascript:alert(1))", "<p>[x](javascript:alert(1))</p>\n"),
        ("```sh\na < b\n```", "<pre tabindex=0><code>a &lt; b\n</code></pre>\n"),
        (
            "```mermaid\nstateDiagram-v2\n    [*] --> a\n    a --> b: <money>\n    b --> [*]\n    b --> c_d\n```",
            "<table>\n<thead><tr><th>status</th><th>next</th><th>when</th></tr></thead>\n<tbody>\n"
            "<tr><td>a</td><td>b</td><td>&lt;money&gt;</td></tr>\n<tr><td>b</td><td>c_<wbr>d</td><td></td></tr>\n"
            "</tbody>\n</table>\n",
        ),
        (
            "| a |\n|---|\n| `b_c` |\n",
            "<div class=wide tabindex=0><table>\n<thead>\n<tr>\n<th>a</th>\n</tr>\n</thead>\n<tbody>\n<tr>\n"
            "<td><code>b_c</code></td>\n</tr>\n</tbody>\n</table></div>\n",
        ),
        ("", ""),
    ],
)
def test_markdown_as_html(text: str, html: str) -> None:
    assert markdown(text) == html


def test_a_title_is_escaped() -> None:
    assert b"<title>&lt;b&gt;</title>" in page("<b>", "").body


@pytest.mark.parametrize("slug", TYPES)
def test_the_page_of_every_type_has_a_title_and_no_markdown_left(problem_pages: Path, slug: str) -> None:
    html = markdown((problem_pages / f"{slug}.md").read_text(encoding="utf-8"))
    assert html.startswith("<h1>")
    assert "`" not in html.partition("<pre")[0]


@pytest.mark.parametrize("path", ["/", "/guide", "/problems", "/problems/out-of-stock", "/return"])
async def test_a_page_fits_a_phone_and_has_no_script(api: httpx2.AsyncClient, path: str) -> None:
    answer = await api.get(path)

    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert '<meta name=viewport content="width=device-width">' in answer.text
    assert "color-scheme:light dark" in answer.text
    assert "<script" not in answer.text
    style = answer.text.partition("<style>")[2].partition("</style>")[0]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert answer.headers["content-security-policy"] == (
        f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


async def test_the_guide_shows_the_life_of_an_order_without_script(api: httpx2.AsyncClient) -> None:
    text = (await api.get("/guide")).text.replace("_<wbr>", "_")
    shown = set(re.findall(r"<tr><td>(\w+)</td><td>(\w+)</td><td>[^<]*</td></tr>", text))
    assert shown == {(str(before), str(after)) for before, later in TRANSITIONS.items() for after in later}


async def test_every_link_of_the_pages_leads_somewhere(api: httpx2.AsyncClient) -> None:
    for path in ("/", "/guide", "/problems", "/problems/out-of-stock"):
        links = [part.partition('"')[0] for part in (await api.get(path)).text.split('href="')[1:]]
        for link in (link for link in links if not link.startswith("https://")):
            assert (await api.get(link)).status_code == 200, (path, link)


async def test_the_list_has_every_problem_type(api: httpx2.AsyncClient) -> None:
    text = (await api.get("/problems")).text
    for slug, known in TYPES.items():
        assert f'<a href="/problems/{slug}">{slug}</a></td>\n<td>{known.status}</td>\n<td>{known.title}</td>' in text


async def test_the_guide_names_every_test_card_and_phone(api: httpx2.AsyncClient) -> None:
    text = (await api.get("/guide")).text
    values = [*(f"tok_{behaviour}" for behaviour in test_cards.Behaviour), *test_cards.PHONES]
    assert [value for value in values if f"<code>{value}</code>" not in text] == []
