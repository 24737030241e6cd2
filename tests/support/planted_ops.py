"""Pipelines, images, machines and scripts with faults that the devops rules must find, and harmless neighbours."""

from __future__ import annotations

__all__ = ["FAULTS", "GATES", "PLANTED", "PLANTED_RISKS"]

WORKFLOW = """\
name: planted
on:
  pull_request_target:
jobs:
  quick:
    runs-on: ubuntu-latest
    timeout-minutes: 5
    steps:
      - uses: actions/checkout@main
      - uses: actions/setup-python@0123456789abcdef0123456789abcdef01234567
      - uses: "actions/cache@v4"
      - uses: ./local
      - run: |
          echo "${{ github.event.pull_request.title }}"
          make lint || true
      - name: ${{ github.event.pull_request.title }}
        continue-on-error: true
        run: echo "${{ github.ref }}"
      - uses: ./local
        with:
          title: ${{ github.event.issue.title }}
  slow:
    runs-on: ubuntu-latest
    steps:
      # - uses: never/counted@main
      - run: npm publish --token secret_value_1
  called:
    uses: org/repo/.github/workflows/x.yml@v1
"""
DOCKERFILE = """\
FROM python AS base
ENV API_TOKEN secret_value_2
ARG DB_PASSWORD
RUN curl -sSL https://x.example/install | sh
USER app
FROM base AS middle
FROM debian:latest
ADD https://x.example/a.tar.gz /a
USER root
"""
FIRM = """\
FROM python:3.12@sha256:0000 AS base
USER app:app
FROM scratch AS other
FROM base
COPY --from=other /a /a
"""
COMPOSE = (
    "services:\n  a:\n    image: redis\n    privileged: true\n  b:\n    image: postgres:17\n  c:\n    image: ${IMAGE}\n"
)
MANIFEST = "apiVersion: v1\nkind: Pod\nspec:\n  containers:\n    - image: registry:5000/api\n    - image: web:latest\n"
LIMITED = (
    'apiVersion: v1\nkind: Pod\nspec:\n  containers:\n    - image: "api:1"\n      resources:\n        limits: {}\n'
)
TERRAFORM = 'resource "a" "b" {\n  cidr_blocks = ["0.0.0.0/0"]\n  # cidr_blocks = ["0.0.0.0/0"]\n}\n'
SCRIPT = """\
#!/bin/sh
# rm -rf / in a comment
terraform apply -auto-approve
kubectl get pods
kubectl delete pod x
aws s3 rm s3://bucket --recursive
psql -c 'DROP TABLE users'
git push --force origin main
git push origin main
twine upload dist/* --password=secret_value_3
rm file
rm -f -r folder
"""
SERVICE = """\
import logging
import socket
import subprocess as sp
from urllib.request import urlopen
import requests
import sentry_sdk

log = logging.getLogger(__name__)


def serve(options, app):
    app.route("/healthz")
    log.info("up")
    sp.run(["x"])
    sp.run(["x"], timeout=3)
    sp.check_output(["x"], **options)
    sp.Popen(["x"])
    urlopen("https://x.example")
    urlopen("https://x.example", None, 3)
    requests.get("https://x.example")
    requests.get("https://x.example", timeout=3)
    socket.create_connection(("x.example", 1))
    socket.create_connection(("x.example", 1), 3)
    try:
        app.run("/health of all")
    except ValueError:
        ...
    except (KeyError, OSError):
        pass
    except TypeError:
        log.exception("no")
    print("down")
    print("down", file=options["log"])


def rmtree(path):
    return path
"""
PACKAGE = (
    '{"dependencies": {"a": "1.2.3", "b": "^1.0.0", "c": "*", "d": ">=2", "e": "github:x/e"},'
    ' "devDependencies": {"f": "latest", "g": "~1.2"}, "scripts": {"release": "npm publish"}}\n'
)
PLANTED = {
    ".github/workflows/planted.yml": WORKFLOW,
    "Dockerfile": DOCKERFILE,
    "firm/Dockerfile.prod": FIRM,
    "compose.yml": COMPOSE,
    "k8s/pod.yaml": MANIFEST,
    "k8s/limited.yaml": LIMITED,
    "main.tf": TERRAFORM,
    "ship.sh": SCRIPT,
    "planted/service.py": SERVICE,
    "web/package.json": PACKAGE,
    "requirements-dev.txt": (
        "-r other.txt\n# comment\none==1.0  # why\n"
        "two[x]>=2,<3 ; python_version > '3'\nthree~=3.1\nfour>=4\nfive\nsix==6.*\n"
        "seven @ git+https://x.example/seven@0123456789abcdef0123456789abcdef01234567\neight @ https://x.example/8.zip\n"
    ),
    "uv.lock": "",
}
PLANTED_RISKS = {
    (3, "runs with secrets on the code of a pull request"),
    (9, "action taken from a branch"),
    (14, "text of outsiders in a command"),
    (15, "a failure that is hidden"),
    (17, "a failure that is hidden"),
    (22, "job without timeout-minutes: six hours"),
    (1, "no permissions: the token may do all that the repository allows"),
}
FAULTS = {
    ("Dockerfile", 1, "image without a tag"),
    ("Dockerfile", 2, "a secret's value in the image"),
    ("Dockerfile", 4, "fetched and not checked"),
    ("Dockerfile", 7, "image by the tag latest"),
    ("Dockerfile", 8, "fetched and not checked"),
    ("Dockerfile", 1, "runs as root: no USER in the last stage"),
    ("compose.yml", 3, "image without a tag"),
    ("compose.yml", 4, "a privileged container"),
    ("k8s/pod.yaml", 5, "image without a tag"),
    ("k8s/pod.yaml", 6, "image by the tag latest"),
    ("k8s/pod.yaml", 1, "containers without limits"),
    ("main.tf", 2, "open to every address"),
    ("main.tf", 1, "no required_version of Terraform"),
}
GATES = {
    (".github/workflows/planted.yml", 26, "publishes"),
    ("ship.sh", 3, "changes machines"),
    ("ship.sh", 5, "changes machines"),
    ("ship.sh", 6, "deletes in a cloud"),
    ("ship.sh", 7, "changes stored data"),
    ("ship.sh", 8, "rewrites history"),
    ("ship.sh", 10, "publishes"),
    ("ship.sh", 12, "deletes files"),
    ("web/package.json", 1, "publishes"),
}
