import ast
import tomllib

LANGUAGES = {
    "Python": (".py",),
    "TypeScript": (".ts", ".tsx"),
    "JavaScript": (".js", ".jsx", ".mjs"),
    "Go": (".go",),
    "Rust": (".rs",),
    "C or C++": (".c", ".h", ".cc", ".cpp", ".hpp"),
    "Java": (".java",),
    "shell": (".sh",),
    "SQL": (".sql",),
    "notebook": (".ipynb",),
}


def development_structure(checkout):
    """What a checkout is made of: languages, packages, the largest modules, and where it is entered."""
    trees = {path: tree for path, tree in checkout.trees().items() if not is_test(path)}
    sizes = sorted(((len(checkout.lines(path)), path) for path in trees), key=lambda item: (-item[0], item[1]))
    languages = [[name, len(checkout.named(*endings))] for name, endings in LANGUAGES.items()]
    scripts = [f"{name} = {target}" for name, target in _scripts(checkout.text("pyproject.toml")).items()]
    mains = [path for path in trees if path.endswith("__main__.py")]
    guarded = [[path, node.lineno] for path, tree in trees.items() for node in tree.body if _is_main(node)]
    return {
        "files": len(checkout.files),
        "languages": [[name, count] for name, count in languages if count],
        "modules": len(trees),
        "lines": sum(size for size, _ in sizes),
        "packages": sum(path.endswith("__init__.py") for path in trees),
        "test_files": sum(is_test(path) for path in checkout.trees()),
        "scripts": scripts[:10],
        "mains": mains[:5],
        "guarded": guarded[:5],
        "table": [[path, size] for size, path in sizes[:8]],
    }


def _scripts(text):
    """The commands that a pyproject.toml declares; none where it cannot be read."""
    try:
        project = tomllib.loads(text).get("project", {})
    except tomllib.TOMLDecodeError:
        return {}
    return {**project.get("scripts", {}), **project.get("gui-scripts", {})}


def _is_main(node):
    return isinstance(node, ast.If) and ast.unparse(node.test) in (
        "__name__ == '__main__'",
        "'__main__' == __name__",
    )
