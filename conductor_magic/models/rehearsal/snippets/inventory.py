import json
import os
from pathlib import Path


def inventory(root):
    """Files below a folder by type, and the largest; hidden folders and installed packages are left out."""
    skipped = {"node_modules", "__pycache__", "site-packages"}
    kinds, largest, files, total, complete = {}, [], 0, 0, True
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name not in skipped)
        for name in sorted(names):
            path = Path(folder, name)
            try:
                size = path.lstat().st_size
            except OSError:
                continue
            files, total = files + 1, total + size
            kind = path.suffix.lower() or "(none)"
            count, in_all = kinds.get(kind, (0, 0))
            kinds[kind] = (count + 1, in_all + size)
            largest.append((size, str(path)))
        largest = sorted(largest, reverse=True)[:5]
        if files >= 100_000:
            complete = False
            break
    ranked = sorted(kinds.items(), key=lambda item: (-item[1][0], item[0]))
    figures = {
        "files": files,
        "bytes": total,
        "complete": complete,
        "kinds": len(kinds),
        "table": [[kind, count, size] for kind, (count, size) in ranked[:15]],
        "largest": [[path, size] for size, path in largest],
    }
    print("RESULT " + json.dumps(figures))
