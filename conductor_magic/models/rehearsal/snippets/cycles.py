def cycles(pairs):
    """The groups of nodes each of which reaches all others of its group, from edges; in order, each a frozenset."""
    left = {}
    for start, end in pairs:
        left.setdefault(start, set()).add(end)
    # What nothing reaches, or what leads nowhere, lies in no group; most of a graph of imports is of that kind.
    while True:
        reached = {end for ends in left.values() for end in ends}
        kept = {start: ends & left.keys() for start, ends in left.items() if start in reached and ends & left.keys()}
        if kept == left:
            break
        left = kept
    reach = {start: _reached(start, left) for start in left}
    groups = {frozenset(other for other in reach[start] if start in reach[other]) for start in left}
    return sorted((group for group in groups if len(group) > 1), key=sorted)


def _reached(start, after):
    seen, waiting = set(), [start]
    while waiting:
        fresh = after[waiting.pop()] - seen
        seen |= fresh
        waiting += fresh
    return seen
