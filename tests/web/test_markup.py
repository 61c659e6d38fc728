"""Texts of staff become a few tags and nothing else, whatever is written in them."""

from __future__ import annotations

import re

import pytest

from jklg.web.markup import html, plain


def test_paragraphs_headings_lists_strong_words_and_links() -> None:
    text = (
        "First\nline.\n\n## A heading\nBelow **it**.\n\n- one\n- [two](/faq#q)\n\n[us](https://agency.example/?a=1&b=2)"
    )
    assert html(text) == (
        "<p>First<br>line.</p>\n<h2>A heading</h2><p>Below <strong>it</strong>.</p>\n"
        '<ul><li>one</li><li><a href="/faq#q">two</a></li></ul>\n'
        '<p><a href="https://agency.example/?a=1&amp;b=2">us</a></p>'
    )
    assert plain(text) == "First line. A heading Below it. one two us"
    assert html("") == html(" \n\n ") == ""


@pytest.mark.parametrize(
    "text",
    ["<script>alert(1)</script>", "[x](javascript:alert(1))", "[x](JavaScript:alert(1))", "[x](//evil.example)", '[x](/a"onclick="x)', "[x](/a'b)",
     "[x](data:text/html,x)", "[x]( javascript:x)", "**<b onmouseover=x>**", "## <img src=x>", "- <svg/onload=x>", "[<b>](/x)", "[x](/\\evil.example)"],
)  # fmt: skip
def test_nothing_that_is_written_becomes_html(text: str) -> None:
    made = html(text)
    tags = re.findall(r"<[^>]*>", made)
    assert all(re.fullmatch(r'</?(p|h2|ul|li|strong|br)>|</a>|<a href="/[^"/]*">', tag) for tag in tags), made
    assert not re.search(r'href="(?!/(?!/))', made)
