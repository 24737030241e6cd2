def groups(frame, notes):
    """Means of the number columns by group, and the share of variance that lies between the groups (eta squared)."""
    frame, kinds = columns_by_kind(frame)
    numbers = kinds.get("number", [])
    groupings = _groupings(frame, kinds)[: 8 if len(numbers) <= 50 else 3]
    found = []
    for name, keys in groupings:
        columns = [label for label in numbers if label != name]
        sizes = keys.value_counts().sort_index()
        means = frame[columns].groupby(keys, observed=True).mean()
        effects = {label: _eta_squared(frame[label], keys) for label in columns}
        known = [effect for effect in effects.values() if effect is not None]
        found.append((sum(known) / len(known) if known else -1.0, name, sizes, means, effects))
    found.sort(key=lambda item: -item[0])
    shown = []
    for at, (_, name, sizes, means, effects) in enumerate(found):
        # Pandas' own means, untouched: what is reported equals `groupby(...).mean()` to the last digit.
        table = means.rename_axis(name).reset_index() if len(means.columns) else sizes.rename("rows").reset_index()
        hand_back("group_means" if at == 0 else f"group_means_by_{name}".replace(" ", "_"), table, notes)
        ranked = sorted(means.columns, key=lambda label: -(effects[label] or 0.0))[: 12 if at == 0 else 6]
        if at < 5:
            shown.append(
                {
                    "by": name,
                    "sizes": [[str(group), int(size)] for group, size in sizes.items()],
                    "columns": ranked,
                    "eta_squared": [None if effects[label] is None else short(effects[label]) for label in ranked],
                    "means": [[str(group), *(means.at[group, label] for label in ranked)] for group in means.index],
                }
            )
    return {"rows": len(frame), "numbers": len(numbers), "groupings": len(found), "table": shown}


def _groupings(frame, kinds):
    """Columns with few values, as (name, group of each row): texts first, then whole numbers, then periods of dates."""
    found = []
    for label in kinds.get("text", []) + kinds.get("yes/no", []):
        if 2 <= frame[label].nunique() <= min(12, len(frame) // 2):
            keys = frame[label]
            found.append((label, keys if keys.dtype != object else keys.map(str, na_action="ignore")))
    for label in kinds.get("number", []):
        whole = pd.api.types.is_integer_dtype(frame[label].dtype)
        if whole and 2 <= frame[label].nunique() <= min(10, len(frame) // 5):
            found.append((label, frame[label]))
    for label in kinds.get("date", []):
        for period, form in (("day", "%Y-%m-%d"), ("month", "%Y-%m"), ("year", "%Y")):
            keys = frame[label].dt.strftime(form)
            if 2 <= keys.nunique() <= min(12, len(frame) // 2):
                found.append((f"{label} by {period}", keys))
                break
    return found


def _eta_squared(column, keys):
    values = values_of(column)
    values = values[keys.loc[values.index].notna()]
    total = float(((values - values.mean()) ** 2).sum())
    if len(values) < 3 or total == 0:
        return None
    by_group = values.groupby(keys.loc[values.index], observed=True)
    between = float((by_group.count() * (by_group.mean() - values.mean()) ** 2).sum())
    return between / total
