"""Compile every body.mjml beside it into body.html.j2: `python -m jklg.mail.build`. A development command; needs mjml-python."""

from __future__ import annotations

from pathlib import Path

HOUSE = Path(__file__).parents[1]


def sources() -> list[Path]:
    """Every MJML source of the house."""
    return sorted(HOUSE.glob("**/emails/*/body.mjml"))


def compiled(source: Path) -> str:
    """The HTML template of one source. Jinja expressions pass through untouched."""
    import mjml

    return str(mjml.mjml2html(source.read_text(encoding="utf-8"))).strip() + "\n"


def main() -> None:
    """Write every compiled template."""
    for source in sources():
        source.with_name("body.html.j2").write_text(compiled(source), encoding="utf-8")


if __name__ == "__main__":
    main()
