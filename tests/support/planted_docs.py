"""Documents and docstrings with faults that the documentation rules must find, and harmless neighbours."""

from __future__ import annotations

__all__ = ["MODULE", "PLANTED", "PLANTED_BARE", "README"]

README = """\
# Planted [docs](docs/guide.rst)

Needs Python 3.8 or newer, best with Python 3.12.

## Installation

See [the guide](docs/guide.rst), [here](#installation), [there](docs/more.md#the-second-part), [lost](docs/gone.md),
[no such part](docs/more.md#third), [mail](mailto:a@b.c), `[code](docs/code.md)`, ![picture](docs/gone.png "a picture")
and [the web](https://example.org/x.md). <img src="docs/lost.svg">

[reference]: docs/lost.md

Names: `planted.mod.Here`, `planted.mod.Here.stay()`, `planted.mod.Here.left`, `planted.Gone`, `planted.mod.py`,
planted.Bare, `planted.sub.anything`, `planted.mod.Child.inherited`, `planted.mod.maybe`.

```python
from planted.mod import Here, Left
import planted.nowhere
await Here().stay()
```

~~~py
def broken(:
~~~

```text
[a link](in/a/block.md) and not Python (
```

```python
>>> import planted
>>> from planted import gone
>>> 1 +
```
"""
MODULE = '''\
"""Planted: `planted.mod.lost` is not there; :class:`~planted.mod.Here` is."""
from typing import overload
try:
    import nothing as maybe
except ImportError:
    maybe = None
__all__ = ["Here", "Child", "google", "numpy", "sphinx", "bare", "both"]


class Here:
    """Is here."""

    def __init__(self):
        self.known = 1

    def stay(self): ...

    def _private(self): ...

    @property
    def size(self): ...

    @size.setter
    def size(self, value): ...


class Child(Here):
    """Inherits."""


def google(one, two, *rest, three=3):
    """Do it.

    Args:
        one (int): first.
            deeper: no parameter.
        gone: not taken.
        *rest: the others.

    Returns:
        nothing: at all.
    """


def numpy(first, second, third, _hidden=None):
    """Do it.

    Parameters
    ----------
    first, second : int
        Both.
    lost : str
        Not taken.

    Returns
    -------
    out : int
    """


def sphinx(self_made, **options):
    """Do it.

    :param int self_made: taken.
    :param anything: may be taken by the stars.
    """


def unlisted():
    return 1


@overload
def both(a: int) -> int: ...
@overload
def both(a: str) -> str: ...
def both(a):
    """Has the docstring of all."""


def bare(): ...
'''
PLANTED = {
    "README.md": README,
    "CHANGELOG.md": "# Changes\n\n## 2.6.0\n\nOld. Not 12.7.0 and not 2.7.01.\n",
    "docs/more.md": "# More\n\n## The *second* part!\n",
    "docs/guide.rst": (
        "Guide\n=====\n\n.. image:: lost.png\n.. include:: more.md\n\n.. code-block:: python\n   :caption: x\n\n"
        "   import planted.mod\n   print 1\n\nEnd. See :func:`planted.mod.gone_too` and `planted.mod.google`.\n"
    ),
    "pyproject.toml": '[project]\nname = "planted"\nversion = "2.7.0"\nrequires-python = ">=3.11"\n',
    "planted/__init__.py": '"""Planted."""\nfrom planted import mod, sub\n',
    "planted/_lent.py": "class Lent:\n    def lend(self): ...\nclass Kept: ...\n",
    "planted/lender.py": '"""Lends."""\nfrom ._lent import Lent\n__all__ = ["Lent"]\n',
    "planted/sub.py": '"""Open."""\nfrom os.path import *\n',
    "planted/mod.py": MODULE,
    "tests/test_mod.py": "def test(): ...\n",
}
PLANTED_BARE = {
    ("planted/_lent.py", 1),
    ("planted/_lent.py", 2),
    *(
        ("planted/mod.py", MODULE[: MODULE.index(text)].count("\n") + 1)
        for text in ("    def stay", "    def size(self): ", "def bare")
    ),
}
