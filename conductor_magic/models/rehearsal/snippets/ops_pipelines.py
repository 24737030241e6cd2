SYSTEMS = (
    ("GitHub Actions", r"\.github/workflows/[^/]+\.ya?ml"),
    ("GitLab CI", r"\.gitlab-ci\.ya?ml"),
    ("CircleCI", r"\.circleci/config\.ya?ml"),
    ("Buildkite", r"\.buildkite/.+\.ya?ml"),
    ("Azure Pipelines", r"(?:\.azure/.+|azure-pipelines[\w.-]*)\.ya?ml"),
    ("Travis CI", r"\.travis\.ya?ml"),
    ("Bitbucket Pipelines", r"bitbucket-pipelines\.ya?ml"),
    ("Jenkins", r"(?:.*/)?Jenkinsfile[\w.-]*"),
)
BRANCHES = {"main", "master", "develop", "dev", "trunk", "HEAD", "latest"}
FROM_OUTSIDE = re.compile(
    r"\$\{\{\s*(?:github\.event\.(?:issue|pull_request|comment|review|head_commit|commits)\b|github\.head_ref)"
)
MOST_RISKS = 10


def ops_pipelines(checkout):
    """Pipelines by system; and in GitHub's, by rule: what is not pinned, not limited, or open to outsiders."""
    files = all_files(checkout)
    systems = [[name, [path for path in files if re.fullmatch(shape, path)]] for name, shape in SYSTEMS]
    workflows, risks, jobs = systems[0][1], [], 0
    uses = {"commit": 0, "tag": 0, "branch": 0}
    for path in workflows:
        for number, line in lines_of(checkout, path):
            used = re.match(r"\s*(?:- )?uses:\s*[\"']?([\w.-]+/[\w./-]+)@([\w./-]+)", line)
            if used:
                firm = re.fullmatch(r"[0-9a-f]{40}", used[2])
                kind = "commit" if firm else "branch" if used[2] in BRANCHES else "tag"
                uses[kind] += 1
                if kind == "branch":
                    risks.append([path, number, "action taken from a branch", f"{used[1]}@{used[2]}"])
            if re.search(r"(?:^|\bon:|\[|- |,)\s*pull_request_target\b", line):
                risks.append([path, number, "runs with secrets on the code of a pull request", "pull_request_target"])
            if re.search(r"continue-on-error:\s*true|\|\|\s*true\s*$", line):
                risks.append([path, number, "a failure that is hidden", shown(line, 60)])
        risks += [
            [path, number, "text of outsiders in a command", shown(line, 60)]
            for number, line in _commands(checkout, path)
            if FROM_OUTSIDE.search(line)
        ]
        if not any(re.match(r"\s*permissions:", line) for _, line in lines_of(checkout, path)):
            risks.append([path, 1, "no permissions: the token may do all that the repository allows", ""])
        for name, number, timed in _jobs(checkout, path):
            jobs += 1
            if not timed:
                risks.append([path, number, "job without timeout-minutes: six hours", name])
    counts = {}
    for _, _, kind, _ in risks:
        counts[kind] = counts.get(kind, 0) + 1
    return {
        "systems": [[name, len(paths), paths[:4]] for name, paths in systems if paths],
        "pipelines": sum(len(paths) for _, paths in systems),
        "helpers": [path for path in files if MANAGED.search(path)][:6],
        "workflows": len(workflows),
        "jobs": jobs,
        "uses": uses,
        "risk_count": len(risks),
        "kinds": sorted([kind, count] for kind, count in counts.items()),
        "risks": sorted(risks)[:MOST_RISKS],
    }


def _commands(checkout, path):
    """The lines of a workflow that a shell runs."""
    inside = None
    for number, line in lines_of(checkout, path):
        indent = len(line) - len(line.lstrip())
        start = re.match(r"(\s*)(- )?run:(.*)", line)
        if start:
            inside = len(start[1]) + len(start[2] or "")
            yield number, line
        elif inside is not None and indent > inside:
            yield number, line
        else:
            inside = None


def _jobs(checkout, path):
    """(name, line, whether it has a time limit or one of its own by being called) of each job of a workflow."""
    found, step, within = [], None, False
    for number, line in lines_of(checkout, path):
        indent = len(line) - len(line.lstrip())
        if indent == 0:
            within, step = line.startswith("jobs:"), None
        elif within:
            step = indent if step is None else step
            if indent == step:
                found.append([line.strip().rstrip(":"), number, False])
            elif re.match(r"\s*(?:timeout-minutes:|uses:\s*\S+\.ya?ml)", line):
                found[-1][2] = True
    return found
