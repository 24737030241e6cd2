"""The words of the SVGs that charts are: elements, attributes and properties which draw no more than they say.

What is not here is left out on purpose: what moves, loads, scripts, holds HTML, or repeats a drawing without a name.
"""

from __future__ import annotations

__all__ = ["ATTRIBUTES", "ELEMENTS", "PAINTS", "PROPERTIES", "REGIONS", "SHAPES"]


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


SHAPES = _words("circle ellipse line path polygon polyline rect")
"""What a pattern or a gradient may fill: these hold nothing that would be filled once more."""

ELEMENTS = SHAPES | _words(
    """
    a clipPath defs desc feColorMatrix feComposite filter g image linearGradient mask metadata pattern radialGradient
    stop style svg symbol text title tspan use
    """
)

PAINTS = frozenset({"fill", "stroke"})
"""Properties that may name a part, and that the elements within take over."""

REGIONS = frozenset({"clip-path", "filter", "mask"})
"""Properties that may name a part, for the one element that has them."""

PROPERTIES = _words(
    """
    alignment-baseline background background-color baseline-shift clip-rule color color-interpolation
    color-interpolation-filters color-rendering cursor direction display dominant-baseline fill-opacity fill-rule
    flood-color flood-opacity font font-family font-size font-size-adjust font-stretch font-style font-variant
    font-variant-caps font-variant-ligatures font-variant-numeric font-weight height image-rendering isolation
    letter-spacing line-height max-height max-width mix-blend-mode opacity overflow paint-order pointer-events position
    shape-rendering stop-color stop-opacity stroke-dasharray stroke-dashoffset stroke-linecap stroke-linejoin
    stroke-miterlimit stroke-opacity stroke-width text-align text-anchor text-decoration text-rendering unicode-bidi
    user-select vector-effect visibility white-space width word-spacing writing-mode -inkscape-font-specification
    """
)

ATTRIBUTES = _words(
    """
    baseProfile class clipPathUnits cx cy d dx dy filterUnits focusable fr fx fy gradientTransform gradientUnits id in
    in2 k1 k2 k3 k4 lang lengthAdjust maskContentUnits maskUnits offset operator pathLength patternContentUnits
    patternTransform patternUnits points preserveAspectRatio primitiveUnits r result role rotate rx ry spreadMethod
    tabindex target textLength transform type values version viewBox x x1 x2 y y1 y2
    """
)
