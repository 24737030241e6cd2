"""Which drawings of strangers a page is given: those of charts, and none that is drawn for ever."""

from __future__ import annotations

import base64
import io
import time

import pytest

from conductor_magic.picture_check import check_picture
from tests.support.png_head import png

SVG = '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink">{}</svg>'
SMALL = base64.b64encode(png(2, 2)).decode()


def steps(name: str = "g{}", use: str = '<use href="#g{}"/>', last: str = '<path id="g9"/>') -> str:
    """Nine groups, each of which draws the next ten times."""
    groups = (f'<g id="{name.format(n)}">' + use.format(n + 1) * 10 + "</g>" for n in range(9))
    return SVG.format("".join(groups) + last)


@pytest.mark.parametrize("fonttype", ["path", "none"])
def test_a_picture_of_matplotlib_is_shown(fonttype: str) -> None:
    """With text, legends, hatches, an image, gouraud shading, a link, and what it says of itself."""
    figures = pytest.importorskip("matplotlib.figure")
    import matplotlib

    with matplotlib.rc_context({"svg.fonttype": fonttype}):
        figure = figures.Figure()
        (one, two), (three, four) = figure.subplots(2, 2)
        one.plot([1, 2, 3], [3, 1, 2], "o--", label="a $x^2$ é")
        one.legend()
        two.imshow([[1, 2], [3, 4]])
        three.bar(["x", "y"], [1, 2], hatch="//")
        three.text(0, 1, "more", url="https://example.org")
        three.contourf([[1, 2], [3, 4]], hatches=["/", "x"])
        figure.colorbar(four.scatter([1, 2], [1, 2], c=[1, 2], s=[10, 400], alpha=0.3))
        four.pcolormesh([[1, 2], [3, 4]], shading="gouraud")
        sink = io.BytesIO()
        figure.savefig(sink, format="svg")
    assert check_picture(sink.getvalue()) == "image/svg+xml"


GLYPHS = "".join(f'<g id="g{n}"><path d="M0 0"/></g>' for n in range(50))
USES = "".join(f'<use xlink:href="#g{n % 50}" clip-path="url(#g1)" style="fill: #00f"/>' for n in range(5_000))
HONEST = {
    "glyphs": f"<defs>{GLYPHS}</defs>{USES}",
    "picture": f'<image xlink:href="data:image/png;base64,{SMALL}"/>',
    "sheet": "<style type='text/css'><![CDATA[ .a line, .a > b { fill: none; stroke: rgb(1, 2, 3); } ]]></style>",
    "plotly": (
        '<svg class="main-svg" style="background: white;"><g class="xy" clip-path="url(\'#c\')" data-notex="1">'
        '<text style="font-family: \'Open Sans\', verdana; white-space: pre; fill: rgb(42, 63, 95)" x="1">t</text>'
        '<path d="M0,0" style="fill: url(&quot;#f&quot;); vector-effect: none"/></g></svg>'
    ),
    "vega": '<g role="graphics-object" aria-label="group" stroke-miterlimit="10"><text font-size="10px"/></g>',
    "graphviz": '<g id="a_n1"><a xlink:href="x.html" xlink:title="n"><polygon points="0,0 1,1"/></a></g>',
}


@pytest.mark.parametrize("inner", HONEST.values(), ids=HONEST)
def test_what_charts_are_made_of_is_shown(inner: str) -> None:
    """Below the doctype that some of them have."""
    doctype = '<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd">'
    for head in ("", '<?xml version="1.0"?>', doctype):
        assert check_picture((head + SVG.format(inner)).encode()) == "image/svg+xml"


PATTERNS = "".join(
    f'<pattern id="p{n}"><g>' + f'<rect fill="url(#p{n + 1})"/>' * 10 + "</g></pattern>" for n in range(9)
)
BOMBS = {
    "groups": steps(),
    "paints": steps(use='<path fill="url(#g{})"/>'),
    "styles": steps(use="<path style=\"fill : url( '#g{}' )\"/>"),
    "masks": steps(use='<g mask="url(#g{})"/>'),
    "patterns": SVG.format(PATTERNS),
    "paints of uses": SVG.format(
        '<g id="a">' + "<path/>" * 1_000 + '</g><pattern id="p">' + "<path/>" * 1_000 + "</pattern>"
        '<use href="#a" fill="url(#p)"/>'
    ),
    "a circle": SVG.format('<g id="a"><use href="#b"/></g><g id="b"><use href="#a"/></g>'),
    "a long path": SVG.format(f'<path id="p" d="{"h1v1" * 50_000}"/>' + '<use href="#p"/>' * 500),
    "a large picture": SVG.format(
        f'<image id="p" href="data:image/png;base64,{base64.b64encode(png(5_000, 5_000)).decode()}"/>'
        + '<use href="#p"/>' * 20
    ),
}


@pytest.mark.parametrize("bomb", BOMBS.values(), ids=BOMBS)
def test_an_svg_that_would_be_drawn_for_ever_is_refused(bomb: str) -> None:
    """However its parts name each other, and told at once."""
    began = time.monotonic()
    with pytest.raises(ValueError, match=r"^it is drawn from too many parts$"):
        check_picture(bomb.encode())
    assert time.monotonic() - began < 2


HUGE = base64.b64encode(png(60_000, 60_000)).decode()
STRANGE = {
    # Names that a browser reads otherwise than they are written.
    "blank": (steps("g {}", '<use href="#g {}"/>'), "it names '#g 1', which is no part of it"),
    "quote": (steps("g'{}", '<use href="#g\'{}"/>'), 'it names "#g\'1", which is no part of it'),
    "bracket": (steps("g){}", '<use href="#g){}"/>'), "it names '#g)1', which is no part of it"),
    "percent": (steps(use='<use href="#%67{}"/>'), "it names '#%671', which is no part of it"),
    "space before": (steps(use='<use xlink:href=" #g{}"/>'), "it names ' #g1', which is no part of it"),
    "other file": (SVG.format('<use href="x.svg#a"/>'), "it names 'x.svg#a', which is no part of it"),
    # Ways to name, load, move or repeat that no chart needs.
    "entities": ('<!DOCTYPE svg [<!ENTITY a "aaaa">]>' + SVG.format("&a;"), "it declares entities"),
    "instruction": (
        '<?xml-stylesheet href="data:text/css,a{}"?>' + SVG.format(""),
        "it has an instruction <?xml-stylesheet?>",
    ),
    "sheet names": (
        SVG.format("<style>rect{fill:url(#p)}</style>"),
        "its style fill has a value that no chart needs",
    ),
    "sheet imports": (
        SVG.format("<style>@import 'data:text/css,a';</style>"),
        "its style sheet has more than plain rules",
    ),
    "sheet escapes": (SVG.format("<style>r\\65{}</style>"), "its style sheet has more than plain rules"),
    "sheet with a child": (SVG.format("<style><g/>r{}</style>"), "its style sheet holds an element"),
    "sheet draws": (SVG.format("<style>path{d:none}</style>"), "it has a style d, which no chart needs"),
    "hidden url": (SVG.format('<rect style="fill:u\\72l(#p)"/>'), "its style fill has a value that no chart needs"),
    "comment": (SVG.format('<rect style="fi/**/ll:url(#p)"/>'), "it has a style fi/**/ll, which no chart needs"),
    "background": (
        SVG.format('<g style="background:url(data:image/svg+xml,x)"/>'),
        "its style background has a value that no chart needs",
    ),
    "image set": (
        SVG.format("<g style=\"background:image-set('data:,x' 1x)\"/>"),
        "its style background has a value that no chart needs",
    ),
    "paint of a group": (SVG.format('<g fill="url(#p)"/>'), "its style fill has a value that no chart needs"),
    "mask taken over": (SVG.format('<g mask="inherit"/>'), "its style mask has a value that no chart needs"),
    "animation": (
        SVG.format('<use><animate attributeName="href"/></use>'),
        "it has an element <animate>, which no chart needs",
    ),
    "script": (SVG.format("<script>1</script>"), "it has an element <script>, which no chart needs"),
    "html": (SVG.format("<foreignObject/>"), "it has an element <foreignObject>, which no chart needs"),
    "html in metadata": (
        SVG.format('<metadata><style xmlns="http://www.w3.org/1999/xhtml"/></metadata>'),
        "it has an element <style>, which no chart needs",
    ),
    "handler": (SVG.format('<g onload="1"/>'), "it has an attribute onload, which no chart needs"),
    "pixels": (SVG.format(f'<image href="data:image/png;base64,{HUGE}"/>'), "it has 60,000 × 60,000 pixels"),
    "svg within": (SVG.format('<image href="data:image/svg+xml,x"/>'), "it holds something that is no picture"),
    "remote": (SVG.format('<image href="https://example.org/x.png"/>'), "it holds something that is no picture"),
    "deep": (SVG.format("<g>" * 300 + "</g>" * 300), "its parts lie too deep in each other"),
    "no namespace": ("<svg/>", "it has no xmlns, without which no browser draws it"),
    "broken": (SVG.format("<g>")[:-6], "it is not well formed: no element found: line 1, column 86"),
}


@pytest.mark.parametrize("name", STRANGE)
def test_what_no_chart_needs_is_refused(name: str) -> None:
    """In one line that says what it was."""
    content, why = STRANGE[name]
    with pytest.raises(ValueError) as caught:  # noqa: PT011  # its text is compared
        check_picture(content.encode())
    assert str(caught.value) == why
