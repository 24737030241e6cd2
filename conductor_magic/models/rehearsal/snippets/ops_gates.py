GATES = {
    "publishes": (
        r"\btwine upload\b",
        r"\b(?:npm|pnpm|yarn|uv|poetry|flit|hatch|pdm|cargo|gem) (?:npm )?(?:publish|push)\b",
        r"\b(?:docker (?:image )?|helm )push\b",
        r"\bgh release (?:create|upload|delete)\b",
        r"uses:\s*pypa/gh-action-pypi-publish\b",
    ),
    "changes machines": (
        r"\b(?:terraform|tofu|terragrunt|pulumi) (?:apply|destroy|up)\b",
        r"\bkubectl (?:apply|delete|replace|drain|scale|rollout)\b",
        r"\bhelm (?:install|upgrade|uninstall|delete|rollback)\b",
        r"\bansible-playbook\b",
        r"\b(?:serverless|fly|flyctl|vercel|netlify|cdk|sam|eb) (?:deploy|destroy|remove|release)\b",
    ),
    "deletes in a cloud": (
        r"\baws s3 (?:rm\b|sync\b.*--delete)",
        r"\baws \S+ (?:delete|terminate)-",
        r"\b(?:gcloud|az)\b.* delete\b",
        r"\bgsutil (?:-m )?rm\b",
    ),
    "changes stored data": (
        r"\b(?:DROP|TRUNCATE) (?:TABLE|DATABASE|SCHEMA|COLUMN)\b",
        r"\balembic (?:upgrade|downgrade)\b",
        r"\bmanage\.py (?:migrate|flush)\b",
        r"\bprisma migrate (?:deploy|reset)\b",
        r"\bdropdb\b",
    ),
    "rewrites history": (
        r"\bgit push\b.*(?:--force|\s-f\b|\s\+\S)",
        r"\bgit (?:reset --hard|clean -\w*f|filter-branch|filter-repo)\b",
    ),
    "deletes files": (
        r"\brm\s+(?:-\S+\s+)*-\w*[rR]\w*\b",
        r"\brmtree\(",
        r"\bRemove-Item\b.*-Recurse\b",
        r"\bmkfs\b",
        r"\bdd\b.*\bof=/dev/",
    ),
}
MOST_GATES = 10


def ops_gates(checkout):
    """Commands in scripts, pipelines and Python that cannot be taken back, by kind; nothing is run."""
    shapes = {kind: re.compile("|".join(shapes), re.IGNORECASE) for kind, shapes in GATES.items()}
    found, looked = [], 0
    for path in all_files(checkout):
        name = path.rpartition("/")[2].lower()
        scripted = path.lower().endswith((*SCRIPTS, *YAML, ".sql", ".mk")) or MANAGED.search(path) or is_container(path)
        # In `.ci` and the like, scripts often have no ending.
        bare = path.startswith(HIDDEN) and "." not in name
        if not (scripted or bare or path.endswith(".py") or name == "package.json") or is_test(path):
            continue
        looked += 1
        for number, line in lines_of(checkout, path):
            kind = next((kind for kind, shape in shapes.items() if shape.search(line)), "")
            if kind and not re.match(r"\s*(?:from|import|def)\b", line):
                found.append([kind, path, number, shown(line, 80)])
    order = list(GATES)
    found.sort(key=lambda item: (order.index(item[0]), *item[1:3]))
    return {
        "looked": looked,
        "gates": len(found),
        "counts": [[kind, sum(item[0] == kind for item in found)] for kind in order],
        "table": found[:MOST_GATES],
    }
