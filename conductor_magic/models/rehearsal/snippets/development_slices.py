def development_slices(checkout):
    """Which modules can be worked on side by side: parts that import nothing of one another.

    Package files and modules that at least a quarter of the others (and four) import join everything: they are left out
    of the parts, and named for what they are.
    """
    paths = {path for path in checkout.trees() if not is_test(path)}
    edges = [edge for edge in imports(checkout) if edge[0] in paths and edge[1] in paths]
    users = {path: {start for start, end, _, _ in edges if end == path} for path in paths}
    shared = {path for path, own in users.items() if len(own) >= max(4, len(paths) / 4)}
    left = {path for path in paths - shared if not path.endswith(("__init__.py", "__main__.py"))}
    parts, waiting = [], sorted(left)
    while waiting:
        part, beside = set(), [waiting[0]]
        while beside:
            path = beside.pop()
            if path not in part:
                part.add(path)
                beside += [end for start, end, _, _ in edges if start == path and end in left]
                beside += [start for start, end, _, _ in edges if end == path and start in left]
        parts.append(sorted(part))
        waiting = [path for path in waiting if path not in part]
    sizes = {path: len(checkout.lines(path)) for path in paths}
    parts.sort(key=lambda part: (-sum(sizes[path] for path in part), part))
    circles = cycles({(start, end) for start, end, _, at_load in edges if at_load})
    return {
        "modules": len(paths),
        "parts": len(parts),
        "shared": [[path, len(users[path])] for path in sorted(shared, key=lambda path: (-len(users[path]), path))][:6],
        "circles": len(circles),
        "circle": sorted(circles[0])[:8] if circles else [],
        "table": [[at, len(part), sum(sizes[path] for path in part), part[:4]] for at, part in enumerate(parts[:8], 1)],
    }
