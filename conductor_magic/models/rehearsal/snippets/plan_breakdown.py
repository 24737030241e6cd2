def plan_breakdown(frame, notes):
    """How the work is cut: tasks, phases, links, what can start at once, what stands alone, what is large."""
    plan = read_plan(frame, notes)
    if "unrecognised" in plan:
        return plan
    tasks = plan["tasks"]
    order, _ = schedule(plan)
    followers = followers_of(tasks)
    steps = [tasks[at]["step"] for at in order]
    widest = max(sorted(set(steps)), key=steps.count, default=None)
    phases = list(dict.fromkeys(task["phase"] for task in tasks))
    known = sorted(task["days"] for task in tasks if task["days"] is not None)
    middle = float(np.median(known)) if known else None
    large = [task for task in tasks if middle and (task["days"] or 0) > 3 * middle]
    linked = "after" in plan["columns"]
    return {
        "columns": [[role, label] for role, label in plan["columns"].items()],
        "tasks": len(tasks),
        "unit": plan["unit"],
        "total": total(tasks),
        "linked": linked,
        "links": sum(len(task["after"]) for task in tasks),
        "starts": labels([task for task in tasks if not task["after"]]),
        "alone": labels([task for at, task in enumerate(tasks) if not task["after"] and not followers[at]]),
        "steps": max(steps, default=0),
        "widest": [widest, steps.count(widest)] if steps else None,
        "median": None if middle is None else short(middle),
        "large": [[task["label"], short(task["days"])] for task in sorted(large, key=lambda task: -task["days"])[:5]],
        "large_count": len(large),
        "phases": [
            [phase or "(none)", len(own := [task for task in tasks if task["phase"] == phase]), total(own)]
            for phase in phases[:20]
        ]
        if "phase" in plan["columns"]
        else [],
    }
