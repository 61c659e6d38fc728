"""What every page and every answer share: the front door (`assembly`), one way to say no, layout and looks. Knows no travel noun."""
