"""A project plan out of a table: its tasks, what each waits for, and how long it takes."""

MOST_TASKS = 5_000
STATES = {
    "done": "done|complete|completed|closed|resolved|finished|shipped|merged|accepted|true|yes",
    "active": "active|in progress|running|started|doing|wip|in review|review|ongoing|underway",
    "blocked": "blocked|waiting|on hold|hold|stuck|paused",
    "open": "open|to do|todo|pending|not started|ready|backlog|new|planned|scheduled|queued|false|no",
    "dropped": "cancelled|canceled|skipped|dropped|wont do|wont fix|rejected|deleted|removed",
    "failed": "failed|error",
}
_LINK = re.compile(r"(.+?)\s*(fs|ss|ff|sf)?\s*([+-]\s*\d+\s*[a-z%]*)?", re.IGNORECASE)


def read_plan(frame, notes):
    """The plan as `{"columns", "tasks", "unit", "counted"}`, or `{"unrecognised": the columns that were}`.

    A task has: label, phase, owner, word (its status), state, days (its duration in `unit`, whatever that is), low,
    likely, high, actual, start, due, ended; `after` (positions of the tasks that it waits for), `strangers` (names of
    none), `itself`.
    """
    columns = find_columns(frame)
    known = {"after", "owner", "status", "due"} & set(columns)
    timed = bool({"duration", "likely"} & set(columns) or {"low", "high"} <= set(columns))
    if not {"id", "name"} & set(columns) or len(known) + timed < 2:
        return {"unrecognised": [[role, label] for role, label in columns.items()]}
    if len(frame) > MOST_TASKS:
        notes.append(f"Only the first {MOST_TASKS} of {len(frame)} rows were read.")
        frame = frame.head(MOST_TASKS)
    tasks = [{"after": [], "strangers": [], "itself": False} for _ in range(len(frame))]
    _name(frame, columns, tasks)
    unit = _measure(frame, columns, tasks, notes)
    _tell_state(frame, columns, tasks)
    if "after" in columns:
        _connect(frame, columns, tasks, notes)
    counted = all(task["days"] is None for task in tasks)
    return {"columns": columns, "tasks": tasks, "unit": "tasks" if counted else unit, "counted": counted}


def _key(value):
    if isinstance(value, (float, np.floating)) and value == int(value):
        value = int(value)
    return " ".join(str(value).split()).lstrip("#").strip("'\"").lower()


def _name(frame, columns, tasks):
    for at, task in enumerate(tasks):
        said = [frame[columns[role]].iloc[at] for role in ("id", "name") if role in columns]
        task["keys"] = [_key(value) for value in said]
        texts = [str(int(value)) if isinstance(value, float) and value == int(value) else str(value)
                 for value in said if not is_blank(value)]  # fmt: skip
        task["label"] = cut(" ".join(texts) or f"row {at + 1}", 60).replace("`", "'")
        for role in ("phase", "owner"):
            value = frame[columns[role]].iloc[at] if role in columns else None
            task[role] = None if is_blank(value) else cut(value, 40)


def _measure(frame, columns, tasks, notes):
    """Give each task its durations and dates; the unit of the durations, or empty."""
    dates = {role: read_dates(frame[columns[role]]) for role in DATES if role in columns}
    for at, task in enumerate(tasks):
        for role in DATES:
            found = dates[role].iloc[at] if role in dates else pd.NaT
            task[role] = None if pd.isna(found) else found
        for role in NUMBERS:
            task[role] = None
    read = {role: [amount(value) for value in frame[columns[role]]] for role in NUMBERS if role in columns}
    units = {unit for cells in read.values() for cell in cells if cell for unit in [cell[1]] if unit}
    units |= {unit for role in read for unit in [unit_of(columns[role])] if unit}
    target = next(iter(units)) if len(units) == 1 else "days" if units else ""
    if len(units) > 1:
        notes.append("Durations of several units are read as working days: 8 hours a day, 5 days a week.")
    unread = 0
    for role, cells in read.items():
        own = unit_of(columns[role])
        for at, cell in enumerate(cells):
            value = None if cell is None else _converted(cell[0], cell[1] or own, target)
            unread += value is None and not is_blank(frame[columns[role]].iloc[at])
            tasks[at][role] = value
    if unread:
        notes.append(f"Cells that say no duration that can be read: {unread}.")
    for task in tasks:
        if task["likely"] is None:
            task["likely"] = task["duration"]
        three = (task["low"], task["likely"], task["high"])
        task["three"] = None not in three
        one = task["likely"] if task["duration"] is None else task["duration"]
        task["days"] = (three[0] + 4 * three[1] + three[2]) / 6 if task["three"] else one
    end = "due" if "due" in dates else "ended"
    if not read and "start" in dates and end in dates:
        for task in tasks:
            if task["start"] is not None and task[end] is not None:
                task["days"] = (task[end] - task["start"]).total_seconds() / 86_400
        target = "calendar days"
        notes.append(f"Durations are `{columns[end]}` less `{columns['start']}`, in calendar days.")
    return target


def _converted(value, unit, target):
    if not unit or unit == target:
        return value
    return value * HOURS[unit] / HOURS[target] if unit in HOURS and target in HOURS else None


def _tell_state(frame, columns, tasks):
    column = frame[columns["status"]] if "status" in columns else None
    numbers = [] if column is None else [cell[0] for value in column if (cell := amount(str(value).rstrip("% ")))]
    most = 100.0 if max(numbers, default=0) > 1 else 1.0
    for at, task in enumerate(tasks):
        value = None if column is None else column.iloc[at]
        task["word"], task["state"], task["share"] = None, None, None
        if is_blank(value):
            task["state"] = "done" if column is None and task["ended"] is not None else None
            continue
        task["word"] = cut(value, 40)
        number = None if isinstance(value, (bool, np.bool_)) else amount(str(value).rstrip("% "))
        if number is not None:
            task["share"] = number[0] / most
            task["state"] = "done" if task["share"] >= 1 else "active" if task["share"] > 0 else "open"
            continue
        said = words_of(str(value).replace("'", "").replace("’", ""))
        task["state"] = next((state for state, words in STATES.items() if said in words.split("|")), None)


def _connect(frame, columns, tasks, notes):
    """Fill `after` and `strangers` from the cells that say what a task waits for."""
    known, lags = {}, 0
    for place in (0, 1):
        for at, task in enumerate(tasks):
            if place < len(task["keys"]) and task["keys"][place] not in BLANK:
                known.setdefault(task["keys"][place], at)
    if "id" not in columns:
        for at in range(len(tasks)):
            known.setdefault(str(at + 1), at)
    for at, task in enumerate(tasks):
        for token in _tokens(frame[columns["after"]].iloc[at], known):
            link = _LINK.fullmatch(token)
            bare = token if token in known or link is None or link[1] not in known else link[1]
            lags += bare != token
            if bare not in known:
                task["strangers"].append(cut(token, 40))
            elif known[bare] == at:
                task["itself"] = True
            elif known[bare] not in task["after"]:
                task["after"].append(known[bare])
    if lags:
        notes.append(f"Links with a kind or a lag, read as plain 'finish, then start': {lags}.")


def _tokens(value, known):
    if is_blank(value):
        return []
    if isinstance(value, (list, tuple, set, np.ndarray)):
        return [_key(item) for item in value if not is_blank(item)]
    whole = _key(value)
    if whole in known:
        return [whole]
    found = []
    for part in re.split(r"[,;|\n]+", str(value).strip("[](){} ")):
        token = _key(part)
        pieces = [_key(piece) for piece in re.split(r"[\s/&+]+", part.strip()) if piece]
        found += pieces if token not in known and len(pieces) > 1 and set(pieces) <= set(known) else [token]
    return [token for token in found if token not in BLANK]
