from urllib.parse import unquote

MARKDOWN = (".md", ".markdown")
ELSEWHERE = re.compile(r"[a-zA-Z][\w+.-]*:|//|/|[{<$]")  # an address, a place of the site's own, or a template's


def prose(text):
    """(line number, line) of a page, without what stands in fenced blocks."""
    fence = ""
    for number, line in enumerate(text.splitlines(), 1):
        mark = re.match(r"\s*(`{3,}|~{3,})", line)
        if mark:
            fence = "" if fence and mark[1].startswith(fence) else fence or mark[1]
        elif not fence:
            yield number, line


def headings(text, path):
    """The headings of a Markdown or reStructuredText page."""
    before = ""
    for _, line in prose(text):
        head = re.match(r" {0,3}#{1,6}\s+(.+?)\s*#*$", line) if path.lower().endswith(MARKDOWN) else None
        if head:
            yield head[1]
        elif before.strip() and re.fullmatch(r"([=\-~^\"'`#*+])\1{2,}\s*", line) and not re.match(r"(.)\1{2}", before):
            yield before.strip()
        before = line


def links(text, path):
    """(line number, target) of each link and picture, as Markdown, HTML and reStructuredText write them."""
    rst, markdown = path.lower().endswith(".rst"), path.lower().endswith(MARKDOWN)
    for number, line in prose(text):
        bare = re.sub(r"(`+)(?!`).+?(?<!`)\1(?!`)", "", line) if markdown else line
        found = re.findall(r"<(?:img|a)\b[^>]*?\b(?:src|href)=[\"']([^\"'>]+)", bare)
        if markdown:
            found += re.findall(r"\]\(\s*<?([^)\s>]+)>?[^)]*\)", bare)
            found += re.findall(r"^ {0,3}\[[^\]]+\]:\s+<?([^\s>]+)", bare)
        if rst:
            found += re.findall(r"^\s*\.\. (?:image|figure|include|literalinclude)::\s+(\S+)", bare)
        yield from ((number, target) for target in found)


def anchors(text, path):
    """The names by which a page's headings can be linked to, as GitHub makes them, and those that it sets itself."""
    seen, names = {}, set(re.findall(r"(?:id|name)=[\"']([^\"'>]+)", text.lower()))
    for head in headings(text, path):
        plain = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", head)
        slug = re.sub(r"[^\w\- ]", "", plain.lower()).strip().replace(" ", "-")
        names.add(f"{slug}-{seen[slug]}" if slug in seen else slug)
        seen[slug] = seen.get(slug, 0) + 1
    return names


def trouble_of(checkout, path, target):
    """What is wrong with a link: an empty text when nothing is, None when it leads out of the checkout."""
    name, _, anchor = target.partition("#")
    name = unquote(name.partition("?")[0])
    page = os.path.normpath(os.path.join(os.path.dirname(path), name)) if name else path
    if ELSEWHERE.match(target) or page.startswith(".."):
        return None
    if not (checkout.root / page).exists():
        return "no such file"
    if anchor and page.lower().endswith(MARKDOWN) and unquote(anchor).lower() not in anchors(checkout.text(page), page):
        return "no such heading"
    return ""
