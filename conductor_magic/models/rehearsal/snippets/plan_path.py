def plan_path(frame, notes):
    """The chain that decides the length of the plan, and how much the other tasks may slip."""
    plan = read_plan(frame, notes)
    if "unrecognised" in plan:
        return plan
    if "after" not in plan["columns"]:
        return {"unlinked": True, "tasks": len(plan["tasks"])}
    tasks = plan["tasks"]
    order, length = schedule(plan)
    path = [tasks[at] for at in longest_path(tasks, order)]
    rows = [
        {"task": task["label"], "takes": task["takes"], "begins": task["begins"], "ends": task["ends"],
         "slack": task["slack"], "critical": task["slack"] == 0}
        for task in (tasks[at] for at in sorted(order))
    ]  # fmt: skip
    hand_back("schedule", pd.DataFrame(rows), notes)
    near = [task for task in (tasks[at] for at in sorted(order)) if 0 < task["slack"] <= length / 10]
    spreads = [(task["high"] - task["low"]) / 6 for task in path if task["three"]]
    spread = math.sqrt(sum(value**2 for value in spreads)) if spreads and all(task["three"] for task in path) else None
    work = sum(task["takes"] for task in (tasks[at] for at in order))
    remaining = [dict(task, state="dropped") if task["state"] == "done" else dict(task) for task in tasks]
    _, rest = schedule({**plan, "tasks": remaining})
    ranked = sorted(rows, key=lambda row: row["slack"])
    return {
        "unit": plan["unit"],
        "counted": plan["counted"],
        "tasks": len(tasks),
        "ordered": len(order),
        "length": short(length),
        "work": short(work),
        "at_once": short(work / length) if length else None,
        "rest": short(rest) if any(task["state"] for task in tasks) else None,
        "path": [[task["label"], short(task["takes"])] for task in path[:25]],
        "path_tasks": len(path),
        "spread": None if spread is None else short(spread),
        "late": None if spread is None else short(length + 1.645 * spread),
        "critical": labels([task for task in (tasks[at] for at in sorted(order)) if task["slack"] == 0]),
        "near": labels(near),
        "untimed": sum(tasks[at]["days"] is None and tasks[at]["state"] != "dropped" for at in order),
        "table": [
            [row["task"], *(short(row[name]) for name in ("takes", "begins", "ends", "slack"))] for row in ranked[:25]
        ],
    }
