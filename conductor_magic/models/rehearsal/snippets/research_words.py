CODE = (".py", ".pyi", ".js", ".jsx", ".ts", ".tsx", ".c", ".h", ".cpp", ".rs", ".go", ".java", ".rb", ".sh")
DOCUMENTS = (".md", ".rst", ".txt", ".adoc")
MOST_WORD_FILES = 8
MOST_PASSAGES = 8
LONGEST_QUOTED = 300  # characters: longer lines are made by machines


def research_words(checkout, words):
    """The files and lines that hold words, or parts of names, that begin as a question's words do, in any case."""
    shapes = {word: beginning(word) for word in words}
    counts = {word: {"files": 0, "lines": 0, "code": 0, "tests": 0, "documents": 0, "other": 0} for word in words}
    order = {"code": 0, "documents": 1, "other": 2, "tests": 3}
    files, passages = [], []
    for path in checkout.files:
        held, lines = set(), 0
        for number, line in enumerate(checkout.text(path).splitlines(), 1):
            low = line.lower()
            here = [word for word in words if word in low and shapes[word].search(line)]
            if here:
                held.update(here)
                lines += 1
                if len(line) <= LONGEST_QUOTED:
                    passages.append((-len(here), order[_place(path)], path, number, line))
            for word in here:
                counts[word]["lines"] += 1
                counts[word][_place(path)] += 1
        for word in held:
            counts[word]["files"] += 1
        if held:
            files.append((-len(held), order[_place(path)], -lines, path))
    passages.sort()
    return {
        "words": list(words),
        "searched": len(checkout.files),
        "files": len(files),
        "lines": -sum(lines for _, _, lines, _ in files),
        "nowhere": [word for word in words if not counts[word]["lines"]],
        "counts": [[word, *counts[word].values()] for word in words],
        "ranked": [[path, -held, -lines] for held, _, lines, path in sorted(files)[:MOST_WORD_FILES]],
        "passages": [[path, number, -held, cut(line, 100)] for held, _, path, number, line in passages[:MOST_PASSAGES]],
    }


def _place(path):
    low = path.lower()
    if is_test(path):
        return "tests"
    return "code" if low.endswith(CODE) else "documents" if low.endswith(DOCUMENTS) else "other"
