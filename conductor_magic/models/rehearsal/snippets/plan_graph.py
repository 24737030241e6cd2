"""The graph of a plan's tasks: what can be ordered, what goes in a circle, and the times that follow."""


def schedule(plan):
    """Give each task that can be ordered its earliest and latest times and its slack; those of the others are None.

    Returns the positions in an order in which blockers come first, and the length of the plan. A task without a
    duration, or that was dropped, takes no time; without any durations each task counts one.
    """
    tasks = plan["tasks"]
    for task in tasks:
        task["takes"] = 0.0 if task["state"] == "dropped" else 1.0 if plan["counted"] else max(0.0, task["days"] or 0.0)
        task["begins"] = task["ends"] = task["slack"] = task["step"] = None
    order = ordered(tasks)
    for at in order:
        task = tasks[at]
        before = [tasks[blocker] for blocker in task["after"]]
        task["begins"] = max((blocker["ends"] for blocker in before), default=0.0)
        task["ends"] = task["begins"] + task["takes"]
        task["step"] = 1 + max((blocker["step"] for blocker in before), default=0)
    length = max((tasks[at]["ends"] for at in order), default=0.0)
    latest = dict.fromkeys(order, length)
    for at in reversed(order):
        for blocker in tasks[at]["after"]:
            latest[blocker] = min(latest[blocker], latest[at] - tasks[at]["takes"])
    for at in order:
        # What is nothing but rounding of sums is no slack.
        slack = latest[at] - tasks[at]["ends"]
        tasks[at]["slack"] = slack if slack > 1e-9 * max(1.0, length) else 0.0
    return order, length


def ordered(tasks):
    """Positions of the tasks that neither lie on a circle nor behind one, blockers first, else in their own order."""
    waits, followers, order = [len(task["after"]) for task in tasks], followers_of(tasks), []
    ready = [at for at, count in enumerate(waits) if count == 0]
    while ready:
        order += ready
        freed = []
        for at in ready:
            for follower in followers[at]:
                waits[follower] -= 1
                if waits[follower] == 0:
                    freed.append(follower)
        ready = sorted(freed)
    return order


def followers_of(tasks):
    """For each task, the positions of those that wait for it."""
    followers = [[] for _ in tasks]
    for at, task in enumerate(tasks):
        for blocker in task["after"]:
            followers[blocker].append(at)
    return followers


def longest_path(tasks, order):
    """The positions along one chain that decides the length: of several, the one that comes first in the table."""
    if not order:
        return []
    at = min(order, key=lambda one: _rank(tasks, one))
    path = [at]
    while tasks[at]["after"]:
        at = min(tasks[at]["after"], key=lambda one: _rank(tasks, one))
        path.append(at)
    return path[::-1]


def _rank(tasks, at):
    # A milestone that takes no time belongs to the chain that leads to it.
    return -tasks[at]["ends"], -tasks[at]["step"], at


def circles(tasks):
    """The shortest circle through the first task of each group of tasks that wait for each other."""
    done, found, seen = set(ordered(tasks)), [], set()
    followers = followers_of(tasks)
    for start in range(len(tasks)):
        if start in done or start in seen:
            continue
        came, queue = {}, [start]
        for at in queue:
            for follower in followers[at]:
                if follower not in came:
                    came[follower] = at
                    queue.append(follower)
        if start not in came:
            continue  # behind a circle, not on one
        circle, at = [start], came[start]
        while at != start:
            circle.append(at)
            at = came[at]
        found.append([start, *circle[:0:-1]])
        seen |= set(circle) | {at for at in came if _reaches(followers, at, start)}
    return found


def _reaches(followers, start, goal):
    seen, queue = {start}, [start]
    for at in queue:
        if goal in followers[at]:
            return True
        fresh = [follower for follower in followers[at] if follower not in seen]
        seen.update(fresh)
        queue += fresh
    return False


def total(tasks):
    """The sum of the durations there are, or None."""
    known = [task["days"] for task in tasks if task["days"] is not None]
    return short(sum(known)) if known else None


def labels(tasks, most=8):
    """How many tasks there are, and the labels of the first ones."""
    return {"count": len(tasks), "which": [task["label"] for task in tasks[:most]]}
