def plan_estimates(frame, notes):
    """What the work takes: PERT where a task has three estimates, else its one; what is missing, odd or wide."""
    plan = read_plan(frame, notes)
    if "unrecognised" in plan:
        return plan
    tasks, columns = plan["tasks"], plan["columns"]
    known = [task for task in tasks if task["days"] is not None]
    three = [task for task in known if task["three"]]
    for task in three:
        task["spread"] = abs(task["high"] - task["low"]) / 6
    widest = sorted(three, key=lambda task: -task["spread"])
    longest = sorted(known, key=lambda task: -task["days"])
    both = [task for task in known if task["actual"] is not None]
    over = sorted(
        (task for task in both if task["actual"] > task["days"]), key=lambda task: task["days"] - task["actual"]
    )
    days = [task["days"] for task in known]
    ratio = sum(task["actual"] for task in both) / sum(task["days"] for task in both) if any(
        task["days"] for task in both) else None  # fmt: skip
    return {
        "unit": plan["unit"],
        "tasks": len(tasks),
        "estimated": len(known),
        "sources": [label for role, label in columns.items() if role in NUMBERS],
        "without": labels([task for task in tasks if task["days"] is None and task["state"] != "dropped"]),
        "total": total(tasks),
        "shortest": short(min(days)) if days else None,
        "median": short(float(np.median(days))) if days else None,
        "longest": [longest[0]["label"], short(longest[0]["days"])] if longest else None,
        "not_positive": labels([task for task in known if task["days"] <= 0]),
        "three": len(three),
        "spread": short(math.sqrt(sum(task["spread"] ** 2 for task in three))) if three else None,
        "disordered": labels([task for task in three if not task["low"] <= task["likely"] <= task["high"]]),
        "wide": labels([task for task in three if task["high"] > 3 * task["low"]]),
        "table": [
            [task["label"], *(short(task[name]) for name in ("low", "likely", "high", "days", "spread"))]
            for task in widest[:12]
        ]
        or [[task["label"], short(task["days"])] for task in longest[:12]],
        "actual": len(both),
        "actual_total": short(sum(task["actual"] for task in both)) if both else None,
        "planned_total": short(sum(task["days"] for task in both)) if both else None,
        "ratio": None if ratio is None else short(ratio),
        "over": [[task["label"], short(task["days"]), short(task["actual"])] for task in over[:5]],
        "over_count": len(over),
    }
