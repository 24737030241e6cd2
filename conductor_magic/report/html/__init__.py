"""The board as static HTML: what stands in a notebook where no live board can mount.

`page` puts it together; `head`, `graph`, `timeline`, `asked`, `closing` and `tasks` draw a part each, by the looks and
words of `look`; `prose` draws Markdown. No script, nothing loaded, every text escaped, every style inline and of the
few that JupyterLab leaves to a notebook that is not trusted; with all styles stripped, as on GitHub, it reads well.
"""

from conductor_magic.report.html.page import LIMIT, board_html, card_html

__all__ = ["LIMIT", "board_html", "card_html"]
