import json


def variable(value):
    """What a value is that is no table: its type, its length, how it begins, and the names of its parts."""
    begins = " ".join(repr(value).split())
    parts = list(value) if isinstance(value, dict) else [name for name in dir(value) if not name.startswith("_")]
    figures = {
        "type": f"{type(value).__module__}.{type(value).__qualname__}".removeprefix("builtins."),
        "length": len(value) if hasattr(value, "__len__") else None,
        "begins": begins if len(begins) <= 200 else begins[:199] + "…",
        "parts": []
        if isinstance(value, (str, bytes, int, float, complex))
        else [str(part)[:60] for part in parts[:12]],
    }
    print("RESULT " + json.dumps(figures, ensure_ascii=False))
