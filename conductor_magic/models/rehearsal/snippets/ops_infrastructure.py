MOST_FAULTS = 10
SECRET = re.compile(r"(?i)\b(?:ENV|ARG)\s+(\w*(?:PASSWORD|PASSWD|SECRET|TOKEN|API_?KEY)\w*)[= ]\s*[\"']?[^\s\"'$]")


def ops_infrastructure(checkout):
    """Files that build images and describe machines, and in them, by rule, what is loose or wide open."""
    kinds = {"image files": [], "compose files": [], "cluster manifests": [], "Terraform files": []}
    for path in all_files(checkout):
        kind = _kind(checkout, path)
        if kind and not is_test(path):
            kinds[kind].append(path)
    images, composed, clusters, terraform = kinds.values()
    faults = [fault for path in images for fault in _image(checkout, path)]
    faults += [fault for path in [*composed, *clusters] for fault in _services(checkout, path)]
    for path in clusters:
        text = checkout.text(path)
        if re.search(r"^\s*-?\s*image:", text, re.MULTILINE) and "limits:" not in text:
            faults.append([path, 1, "containers without limits", ""])
    for path in terraform:
        for number, line in lines_of(checkout, path):
            if re.search(r'"(?:0\.0\.0\.0/0|::/0)"', line):
                faults.append([path, number, "open to every address", shown(line, 60)])
    if terraform and not any("required_version" in checkout.text(path) for path in terraform):
        faults.append([terraform[0], 1, "no required_version of Terraform", ""])
    counts = {}
    for _, _, kind, _ in faults:
        counts[kind] = counts.get(kind, 0) + 1
    return {
        "kinds": [[kind, len(paths), paths[:3]] for kind, paths in kinds.items()],
        "files": sum(map(len, kinds.values())),
        "fault_count": len(faults),
        "counts": sorted([kind, count] for kind, count in counts.items()),
        "faults": sorted(faults)[:MOST_FAULTS],
    }


def _kind(checkout, path):
    if is_container(path):
        return "image files"
    if path.endswith((".tf", ".tofu")):
        return "Terraform files"
    if not path.endswith(YAML):
        return ""
    if re.search(r"(^|/)(docker-)?compose[\w.-]*$", path):
        return "compose files"
    return "cluster manifests" if _is_manifest(checkout.text(path)) else ""


def _is_manifest(text):
    return bool(re.search(r"^apiVersion:", text, re.MULTILINE) and re.search(r"^kind:", text, re.MULTILINE))


def _loose(image):
    """Why an image's name is not firm; empty when it is, or when a variable decides."""
    if "$" in image or "{{" in image or "@sha256:" in image or image == "scratch":
        return ""
    _, _, tag = image.rpartition("/")[2].partition(":")
    return "image without a tag" if not tag else "image by the tag latest" if tag == "latest" else ""


def _image(checkout, path):
    stages, user = {}, False  # of each stage so far, whether its commands run as a user of their own
    name = ""
    for number, line in lines_of(checkout, path):
        start = re.match(r"\s*FROM\s+(?:--\S+\s+)*(\S+)(?:\s+AS\s+(\S+))?", line, re.IGNORECASE)
        if start:
            if start[1].lower() not in stages and _loose(start[1]):
                yield [path, number, _loose(start[1]), start[1]]
            name, user = (start[2] or "").lower(), stages.get(start[1].lower(), False)
        if named := re.match(r"\s*USER\s+(\S+)", line, re.IGNORECASE):
            user = named[1].partition(":")[0] not in ("root", "0")
        stages[name] = user
        if re.match(r"\s*ADD\s+https?://", line, re.IGNORECASE) or re.search(
            r"\b(?:curl|wget)\b[^|]*\|\s*(?:sudo\s+)?(?:ba|z)?sh\b", line
        ):
            yield [path, number, "fetched and not checked", shown(line, 60)]
        if secret := SECRET.search(line):
            yield [path, number, "a secret's value in the image", secret[1]]
    if stages and not user:
        yield [path, 1, "runs as root: no USER in the last stage", ""]


def _services(checkout, path):
    for number, line in lines_of(checkout, path):
        image = re.match(r"\s*-?\s*image:\s*[\"']?([^\s\"'#]+)", line)
        if image and _loose(image[1]):
            yield [path, number, _loose(image[1]), image[1]]
        if re.match(r"\s*-?\s*privileged:\s*true\b", line):
            yield [path, number, "a privileged container", ""]
