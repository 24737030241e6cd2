"""Which column of a table says what about a project's tasks: found by a rule over names and contents."""

import re

BLANK = {"", "-", "–", "—", "?", "n/a", "na", "nan", "none", "null", "nil", "tbd", "tba", "tbc", "unassigned", "nobody"}
# Role -> what its column is called, the likeliest first; letter case and signs between words do not count.
CALLED = {
    "id": "id|task id|activity id|key|issue key|wbs|wbs code|no|nr|number|code|ref|uid|#",
    "name": "subject|name|task|task name|title|activity|activity name|work package|deliverable|item|summary",
    "after": "blocked by|depends on|dependencies|dependency|predecessors|predecessor|blockers|waits for|prerequisites"
    "|requires|needs|depends|after",
    "low": "optimistic|best case|best|low|lower|minimum|min|o",
    "high": "pessimistic|worst case|worst|high|upper|maximum|max|p",
    "likely": "most likely|likely|realistic|mode|expected|m",
    "actual": "actual duration|actual days|actual hours|actual effort|actual|time spent|spent",
    "duration": "duration|estimate|estimated|effort|days|hours|weeks|minutes|seconds|story points|points|length",
    "owner": "owner|assignee|assigned to|assigned|responsible|accountable|who|resource|resources|person|lead|team",
    "status": "status|state|progress|percent complete|% complete|complete|% done|done|completed",
    "start": "start|start date|planned start|begin|begins|started|started at|actual start",
    "due": "due|due date|deadline|target date|finish|finish date|planned finish|end|end date|planned end|target",
    "ended": "ended|ended at|finished|finished at|actual finish|actual end|completed at|completed on|closed at|closed",
    "phase": "phase|milestone|stage|workstream|work stream|epic|sprint|iteration|component|group|category|area",
}
NUMBERS, DATES = ("low", "high", "likely", "actual", "duration"), ("start", "due", "ended")
UNITS = {
    "seconds": "s sec secs second seconds",
    "minutes": "min mins minute minutes",
    "hours": "h hr hrs hour hours",
    "days": "d day days",
    "weeks": "w wk wks week weeks",
    "months": "mo month months",
    "points": "pt pts point points sp",
}
HOURS = {"seconds": 1 / 3600, "minutes": 1 / 60, "hours": 1, "days": 8, "weeks": 40}  # working time
_AMOUNT = re.compile(r"(-?\d+(?:[.,]\d+)?)\s*([a-z]*)\.?")


def find_columns(frame):
    """Role -> label of its column, for the roles that some column fits by its name and by what it holds."""
    names, found = {label: words_of(label) for label in frame.columns}, {}
    for whole in (True, False):
        for role, called in CALLED.items():
            for phrase in called.split("|"):
                for label, words in names.items():
                    named = words == phrase if whole else len(phrase) > 2 and f" {phrase} " in f" {words} "
                    if role not in found and label not in found.values() and named and _fits(role, frame[label]):
                        found[role] = label
    return found


def words_of(label):
    """A label as lower-case words: `BlockedBy`, `blocked_by` and `Blocked by:` are one."""
    spaced = re.sub(r"([a-z])([A-Z])", r"\1 \2", str(label))
    return " ".join(re.findall(r"[^\W_]+|[#%]", spaced.lower()))


def is_blank(value):
    """Whether a cell says nothing."""
    if isinstance(value, (list, tuple, set, dict, np.ndarray)):
        return len(value) == 0
    return value is None or bool(pd.isna(value)) or str(value).strip().lower() in BLANK


def read_dates(column):
    """A column's dates without zones; what is none is NaT. Numbers are no dates."""
    if pd.api.types.is_numeric_dtype(column.dtype):
        return pd.Series(pd.NaT, index=column.index)
    dates = pd.to_datetime(column.map(lambda value: None if is_blank(value) else value), errors="coerce", utc=True,
                           format=None if pd.api.types.is_datetime64_any_dtype(column.dtype) else "mixed")  # fmt: skip
    return dates.dt.tz_localize(None)


def amount(value):
    """A cell as (number, unit or empty), or None: `3`, `3 days`, `1.5w`, a duration of pandas."""
    if isinstance(value, (bool, np.bool_)) or is_blank(value):
        return None
    if isinstance(value, (int, float, np.integer, np.floating)):
        return (float(value), "") if math.isfinite(value) else None
    if hasattr(value, "total_seconds"):
        return value.total_seconds() / 86_400, "calendar days"
    match = _AMOUNT.fullmatch(str(value).strip().lower())
    if not match:
        return None
    unit = next((name for name, spelt in UNITS.items() if match[2] in spelt.split()), None) if match[2] else ""
    return None if unit is None else (float(match[1].replace(",", ".")), unit)


def unit_of(label):
    """The unit that a label names, or empty."""
    words = words_of(label).split()
    return next((name for name, spelt in UNITS.items() if set(words) & set(spelt.split()[1:])), "")


def _fits(role, column):
    held = [value for value in column if not is_blank(value)]
    if role in ("after", "owner"):
        return role == "after" or not held or not any(isinstance(value, (bool, float)) for value in held)
    if not held:
        return False
    if role in NUMBERS:
        return 2 * sum(amount(value) is not None for value in held) >= len(held)
    dates = int(read_dates(column).notna().sum()) if role in (*DATES, "status") else 0
    if role in DATES:
        return 2 * dates >= len(held)
    distinct = len({str(value) for value in held})
    if role == "id":
        return 4 * distinct >= 3 * len(held) and len(held) == len(column)
    if role == "name":
        return 2 * distinct >= len(held) and not pd.api.types.is_numeric_dtype(column.dtype)
    return distinct < len(held) if role == "phase" else 2 * dates < len(held)
