"""Papers: what stands on one, block by block, and the drawing of it as a tagged PDF that any script can be read in."""

from jklg.kit.paper.blocks import Block, Code, Day, Facts, Figures, Heading, Items, Large, Paper, Parties, Party, Words
from jklg.kit.paper.drawing import draw, draw_aside

__all__ = [
    "Block", "Code", "Day", "Facts", "Figures", "Heading", "Items", "Large", "Paper", "Parties", "Party", "Words", "draw", "draw_aside",
]  # fmt: skip
