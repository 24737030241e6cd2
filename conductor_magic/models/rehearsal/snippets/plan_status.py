def plan_status(frame, notes):
    """How far the plan is: tasks by state, the share of the work that is done, what can start, what is next."""
    plan = read_plan(frame, notes)
    if "unrecognised" in plan:
        return plan
    tasks, columns = plan["tasks"], plan["columns"]
    if "status" not in columns and "ended" not in columns:
        return {"stateless": True, "tasks": len(tasks)}
    today = pd.Timestamp.now().normalize()
    counted = [task for task in tasks if task["state"] != "dropped"]
    done = [task for task in counted if task["state"] == "done"]
    timed = [task for task in counted if task["days"] is not None]
    over = {at for at, task in enumerate(tasks) if task["state"] in ("done", "dropped")}
    ready = [
        task
        for task in tasks
        if task["state"] in ("open", None) and set(task["after"]) <= over and not task["strangers"]
    ]
    dated = [task for task in counted if task["state"] != "done" and task["due"] is not None and task["due"] >= today]
    coming = sorted(dated, key=lambda task: task["due"])
    states = ("done", "active", "open", "blocked", "failed", "dropped")
    words = [task["word"] for task in tasks if task["state"] is None and task["word"]]
    whole = sum(task["days"] for task in timed)
    return {
        "tasks": len(tasks),
        "counted": len(counted),
        "done": len(done),
        "percent": percent(len(done), len(counted)),
        "unit": plan["unit"],
        "done_work": total(done),
        "work": total(timed),
        "work_percent": percent(sum(task["days"] for task in timed if task["state"] == "done"), whole),
        "states": [[state, sum(task["state"] == state for task in tasks)] for state in states],
        "unsaid": sum(task["state"] is None and not task["word"] for task in tasks),
        "unknown": [[word, words.count(word)] for word in list(dict.fromkeys(words))[:8]],
        "shares": [
            [task["label"], short(100 * task["share"])] for task in tasks if task["share"] and task["share"] < 1
        ][:12],
        "active": labels([task for task in tasks if task["state"] == "active"]),
        "blocked": labels([task for task in tasks if task["state"] in ("blocked", "failed")]),
        "linked": "after" in columns,
        "ready": labels(ready),
        "next": [coming[0]["label"], str(coming[0]["due"].date())] if coming else None,
        "phases": [
            [phase or "(none)", sum(task["state"] == "done" for task in own), len(own)]
            for phase in list(dict.fromkeys(task["phase"] for task in counted))[:20]
            for own in [[task for task in counted if task["phase"] == phase]]
        ]
        if "phase" in columns
        else [],
    }
