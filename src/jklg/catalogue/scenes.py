"""stub"""


def draw(scene: str, width: int = 1200, height: int = 800) -> str:
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}"><title>{scene}</title></svg>'


def of_destination(slug: str) -> str:
    return f"{slug}-noon"
