"""Compile every body.mjml beside it into body.html.j2: `python -m jklg.mail.build`. A development command; needs mjml-python.

Two times a template: `[% %]` and `[[ ]]` put a letter into the frame that all share, here; `{{ }}` is filled in when it is written.
"""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

HOUSE = Path(__file__).parents[1]
FRAMES = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "frame"),
    autoescape=False,  # noqa: S701  (what is filled in here is templates of ours)
    undefined=StrictUndefined,
    block_start_string="[%", block_end_string="%]", variable_start_string="[[", variable_end_string="]]",
    comment_start_string="[#", comment_end_string="#]",
)  # fmt: skip


def sources() -> list[Path]:
    """Every MJML source of the house."""
    return sorted(HOUSE.glob("**/emails/*/body.mjml"))


def compiled(source: Path) -> str:
    """The HTML template of one source. Jinja expressions pass through untouched."""
    import mjml

    framed = FRAMES.from_string(source.read_text(encoding="utf-8")).render()
    return str(mjml.mjml2html(framed)).strip() + "\n"


def main() -> None:
    """Write every compiled template."""
    for source in sources():
        source.with_name("body.html.j2").write_text(compiled(source), encoding="utf-8")


if __name__ == "__main__":
    main()
