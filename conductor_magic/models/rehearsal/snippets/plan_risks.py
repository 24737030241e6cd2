def plan_risks(frame, notes):
    """What in the plan can go wrong, by rules over its own cells; each kind with how many and which."""
    plan = read_plan(frame, notes)
    if "unrecognised" in plan:
        return plan
    tasks, columns = plan["tasks"], plan["columns"]
    today = pd.Timestamp.now().normalize()
    open_ = [task for task in tasks if task["state"] not in ("done", "dropped")]
    keys = [task["keys"][0] for task in tasks]
    found = {}
    if "after" in columns:
        found["circle"] = _circles(tasks)
        found["unknown"] = _told(tasks, lambda task: task["strangers"], lambda task: ", ".join(task["strangers"]))
        found["itself"] = _told(tasks, lambda task: task["itself"])
        found["behind_lost"] = _told(open_, lambda task: _lost(tasks, task), lambda task: ", ".join(_lost(tasks, task)))
        found["too_early"] = _told(
            [task for task in tasks if task["state"] == "done"],
            lambda task: any(tasks[at]["state"] in ("open", "active", "blocked", "failed") for at in task["after"]),
        )
        if "due" in columns:
            found["due_first"] = _told(
                tasks,
                lambda task: any(
                    task["due"] and tasks[at]["due"] and tasks[at]["due"] > task["due"] for at in task["after"]
                ),
            )
        end = "ended" if "ended" in columns else "due"
        if {"start", end} <= set(columns):
            found["overlap"] = _told(
                tasks,
                lambda task: any(
                    task["start"] and tasks[at][end] and task["start"] < tasks[at][end] for at in task["after"]
                ),
            )
    if "id" in columns:
        found["twice"] = (
            _told(tasks, lambda task: keys.count(task["keys"][0]) > 1) if len(set(keys)) < len(keys) else _NONE
        )
    if "owner" in columns:
        found["unowned"] = _told(open_, lambda task: not task["owner"])
    if "due" in columns:
        found["overdue"] = _told(open_, lambda task: task["due"] is not None and task["due"] < today, _due)
        found["undated"] = _told(open_, lambda task: task["due"] is None)
        if "start" in columns:
            found["backwards"] = _told(
                tasks, lambda task: task["start"] and task["due"] and task["start"] > task["due"]
            )
    if {"ended", "due"} <= set(columns):
        found["late"] = _told(
            tasks, lambda task: task["ended"] and task["due"] and task["ended"] > task["due"] + _DAY, _due
        )
    if "status" in columns:
        found["failed"] = _told(tasks, lambda task: task["state"] == "failed")
    held = _holding(tasks)
    load = {}
    for task in open_:
        if task["owner"]:
            load.setdefault(task["owner"], []).append(task)
    ranked = sorted(load.items(), key=lambda item: (-len(item[1]), item[0]))
    return {
        "tasks": len(tasks),
        "open": len(open_),
        "unit": plan["unit"],
        "today": str(today.date()),
        "kinds": [[kind, *risk] for kind, risk in found.items()],
        "holding": held,
        "load": [[owner, len(own), total(own)] for owner, own in ranked[:12]],
        "owners": len(load),
        "lacking": [role for role in ("after", "owner", "due", "status") if role not in columns],
    }


_DAY = pd.Timedelta(days=1) - pd.Timedelta(microseconds=1)  # a due date lasts to the end of its day
_NONE = [0, []]


def _told(tasks, rule, detail=None):
    met = [task for task in tasks if rule(task)]
    return [len(met), [f"{task['label']} ({detail(task)})" if detail else task["label"] for task in met[:8]]]


def _due(task):
    return f"due {task['due'].date()}"


def _lost(tasks, task):
    return [tasks[at]["label"] for at in task["after"] if tasks[at]["state"] in ("failed", "dropped")]


def _circles(tasks):
    found = circles(tasks)
    return [len(found), [" → ".join(tasks[at]["label"] for at in [*circle, circle[0]][:9]) for circle in found[:4]]]


def _holding(tasks):
    """The task that most others wait for, directly or through others, and how many."""
    order, followers, behind = ordered(tasks), followers_of(tasks), {}
    for at in reversed(order):
        behind[at] = 0
        for follower in followers[at]:
            # One bit a task, so that a task behind several others counts once.
            behind[at] |= behind.get(follower, 0) | 1 << follower
    counts = {at: behind[at].bit_count() for at in order if tasks[at]["state"] not in ("done", "dropped")}
    at = min(counts, key=lambda one: (-counts[one], one), default=None)
    return [tasks[at]["label"], counts[at]] if at is not None and counts[at] else None
