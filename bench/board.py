"""The board in headless Chromium, beside a blank page: frames, busy time, memory, size, requests.

`python -m bench.board [--seconds 6] [--rounds 5] [--minutes 5] [--bundle FILE]`. Each round shows every case at
another moment of a scripted run, fed 20 messages a second, with the blank page before and after it. Then 1,000 tasks
are churned for `--minutes`, and the heap is weighed before and after. Figures are medians; the goals stand beside them.
"""

from __future__ import annotations

import argparse
import gc
import gzip
import json
import os
import statistics
import tempfile
from collections.abc import Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, CDPSession, Page

from bench.board_run import TICK, Play, messages
from conductor_magic.board import REFRESH_SECONDS
from tests.support.lab import chromium_browser

SCRIPT = Path(__file__).parent.parent / "conductor_magic" / "static" / "board.js"
PAGE = Path(__file__).with_name("board_page.js")
WARM = 2.0
HEAP_WARM = 30.0
WEIGHINGS = 5
READINGS = 4
CHUNK = 60.0
LIMIT = 45_000
SIZE = {"width": 1424, "height": 700}


@dataclass(frozen=True, slots=True)
class Case:
    """What a page shows; `seconds` is how long the run goes on."""

    name: str
    tasks: int
    desks: int
    book: str = "Phases"
    seconds: float = 300.0


SMALL = Case("40 tasks, 8 desks", 40, 8)
LARGE = Case("1,000 tasks, 200 desks", 1_000, 200)
TABLE = Case("the same as a table", 1_000, 200, "Table")


@dataclass(frozen=True, slots=True)
class Stream:
    """A file of messages, and where each of them ends."""

    path: Path
    ends: list[int]


@dataclass(frozen=True, slots=True)
class Figures:
    """One measurement; times are milliseconds, `busy` is the main thread's share."""

    fps: float
    p50: float
    p95: float
    p99: float
    longest: float
    busy: float
    elements: int
    rate: float


def record(case: Case, start: float, seconds: float, path: Path) -> Stream:
    """Write what the board is sent from `start` on."""
    gc.disable()  # millions of small values that all stay: looking for garbage among them doubles the time
    ends: list[int] = []
    with path.open("wb") as out:
        for message in messages(Play(case.tasks, case.desks, case.seconds), start, seconds):
            out.write(json.dumps(message, ensure_ascii=False).encode())
            ends.append(out.tell())
    return Stream(path, ends)


class Bench:
    """Opens pages in one browser, and counts what they ask for."""

    def __init__(self, browser: Browser, bundle: str) -> None:
        self.requests: list[str] = []
        self.errors: list[str] = []
        self._context = browser.new_context(viewport=SIZE)
        self._bundle = bundle

    def open(self, streams: Sequence[Stream] = (), book: str = "Phases") -> Page:
        """A page with a board that plays the streams; a blank one without them."""
        page = self._context.new_page()
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.set_content(
            "<body style='margin:12px'>" + ("<input type=file multiple hidden><div id=board></div>" if streams else "")
        )
        page.evaluate(PAGE.read_text("utf-8"))
        if streams:
            page.set_input_files("input", [stream.path for stream in streams])
            page.evaluate(
                "([source, ends, tick]) => bench.mount(source, ends, tick)",
                [self._bundle, [stream.ends for stream in streams], TICK * 1000],
            )
            page.evaluate("(book) => bench.show(book)", book)
        page.wait_for_timeout(WARM * 1000)
        return page

    def frames(self, seconds: float, streams: Sequence[Stream] = (), book: str = "Phases") -> Figures:
        """Measure a page for some seconds, and close it."""
        page = self.open(streams, book)
        metrics = self._context.new_cdp_session(page)
        metrics.send("Performance.enable")
        before = _metrics(metrics)
        seen = page.evaluate("(seconds) => bench.watch(seconds)", seconds)
        after = _metrics(metrics)
        elements = page.evaluate("bench.elements()")
        page.close()
        frames = sorted(seen["frames"])
        cut = statistics.quantiles(frames, n=100, method="inclusive")
        return Figures(
            fps=1000 * len(frames) / sum(frames),
            p50=cut[49],
            p95=cut[94],
            p99=cut[98],
            longest=max(seen["long"], default=0.0),
            busy=(after["TaskDuration"] - before["TaskDuration"]) / (after["Timestamp"] - before["Timestamp"]),
            elements=elements,
            rate=seen["messages"] / seconds,
        )

    def heap(self, streams: Sequence[Stream], minutes: float) -> tuple[float, float, int, int]:
        """Churn: megabytes of heap before and after, and DOM nodes, detached ones too."""
        page = self.open(streams)
        session = self._context.new_cdp_session(page)
        session.send("Performance.enable")
        page.wait_for_timeout((HEAP_WARM - WARM) * 1000)
        before, nodes = _weigh(page, session), int(_metrics(session)["Nodes"])
        page.wait_for_timeout(minutes * 60_000)
        after, nodes_after = _weigh(page, session), int(_metrics(session)["Nodes"])
        delivered = page.evaluate("bench.delivered")
        expected = (HEAP_WARM + minutes * 60) / TICK
        assert delivered > 0.95 * expected, f"only {delivered} of {expected:.0f} messages were played"
        page.close()
        return before, after, nodes, nodes_after


def _metrics(session: CDPSession) -> dict[str, float]:
    return {metric["name"]: metric["value"] for metric in session.send("Performance.getMetrics")["metrics"]}


def _weigh(page: Page, session: CDPSession) -> float:
    """Megabytes held: the median over the time from one whole picture to the next, in which it goes up and down.

    Each time it is the least of a few readings: a message that comes between the collection and the reading is counted
    as text, as JSON and as a picture, of which only the last is held.
    """
    weights: list[float] = []
    for _ in range(WEIGHINGS):
        page.wait_for_timeout(REFRESH_SECONDS * 1000 / WEIGHINGS)
        weights.append(min(_used(session) for _ in range(READINGS)))
    return statistics.median(weights)


def _used(session: CDPSession) -> float:
    session.send("HeapProfiler.collectGarbage")
    return session.send("Runtime.getHeapUsage")["usedSize"] / 1e6


def main() -> None:
    """Print a table of the frames, and a line for each of the other figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=6.0, help="of each measurement")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--minutes", type=float, default=5.0, help="of churn for the heap; 0 leaves it out")
    parser.add_argument("--bundle", type=Path, default=SCRIPT, help="another build of the board")
    options = parser.parse_args()
    bundle = options.bundle.read_bytes()
    with tempfile.TemporaryDirectory() as scratch, ProcessPoolExecutor() as pool:
        streams, churn = _record(pool, Path(scratch), options)
        pool.shutdown()
        print(f"load before: {_load()}", flush=True)
        with chromium_browser() as browser:
            bench = Bench(browser, bundle.decode())
            _frames(bench, streams, options.seconds)
            if churn:
                before, after, nodes, nodes_after = bench.heap(churn, options.minutes)
                growth = after / before - 1
                print(
                    f"heap, {LARGE.name}, {options.minutes:g} min of churn: {before:.2f} MB, then {after:.2f} MB: "
                    f"{growth:+.1%} (goal: at most +20 %: {_met(growth <= 0.2)}); nodes {nodes}, then {nodes_after}"
                )
    fetched = [url for url in bench.requests if not url.startswith("blob:")]
    size = len(gzip.compress(bundle, 9))
    print(
        f"bundle: {len(bundle):,} bytes, {size:,} gzipped (goal: at most {LIMIT:,}: {_met(size <= LIMIT)})\n"
        f"requests: {len(fetched)} (goal: 0: {_met(not fetched)}) {' '.join(fetched[:3])}\n"
        f"errors in the page: {len(bench.errors)} {' '.join(bench.errors[:3])}\n"
        f"load after: {_load()}",
        flush=True,
    )


def _record(
    pool: ProcessPoolExecutor, scratch: Path, options: argparse.Namespace
) -> tuple[dict[Case, list[Stream]], list[Stream]]:
    """Write all that will be played, before anything is measured: for each case a stream a round, and the churn."""
    length = WARM + options.seconds + 4

    def later(case: Case, start: float, seconds: float, name: str) -> Future[Stream]:
        return pool.submit(record, case, start, seconds, scratch / f"{name}-{case.tasks}-{start:.0f}.jsonl")

    starts = [LARGE.seconds * (number + 0.5) / options.rounds - length for number in range(options.rounds)]
    rounds = {case: [later(case, max(1.0, start), length, "round") for start in starts] for case in (SMALL, LARGE)}
    total = HEAP_WARM + options.minutes * 60 + 2 * REFRESH_SECONDS + 5 if options.minutes else 0.0
    # The run is a little longer than the churn, so that the desks stay taken to the end.
    churned = Case(LARGE.name, LARGE.tasks, LARGE.desks, seconds=1.1 * total)
    pieces = int(-(-total // CHUNK))
    churn = [later(churned, number * CHUNK, CHUNK, "churn") for number in range(pieces)]
    found = {case: [one.result() for one in futures] for case, futures in rounds.items()}
    return {**found, TABLE: found[LARGE]}, [one.result() for one in churn]


def _frames(bench: Bench, streams: dict[Case, list[Stream]], seconds: float) -> None:
    measured: dict[Case, list[Figures]] = {case: [] for case in streams}
    blank: dict[Case, list[Figures]] = {case: [] for case in streams}
    latest = bench.frames(seconds)
    for number in range(len(streams[LARGE])):
        for case, found in streams.items():
            measured[case].append(bench.frames(seconds, [found[number]], case.book))
            before, latest = latest, bench.frames(seconds)
            blank[case] += [before, latest]
    print(
        f"{'page':<24} {'fps':>6} {'p50 ms':>7} {'p95':>6} {'p99':>6} {'longest task':>13} {'busy':>6} {'elements':>9} "
        f"{'messages/s':>11}   medians of {len(streams[LARGE])} × {seconds:g} s"
    )
    for case in streams:
        board, control = _medians(measured[case]), _medians(blank[case])
        _row(case.name, board)
        _row("  blank page beside it", control)
        if case is SMALL:
            equal = abs(board.fps - control.fps) <= 1 and board.p95 <= control.p95 + 1
            print(f"  goal: equal to the blank page, within 1 fps and 1 ms of p95: {_met(equal)}")
        else:
            print(
                f"  goals: at most 5 fps less: {_met(board.fps >= control.fps - 5)}; "
                f"p95 at most twice: {_met(board.p95 <= 2 * control.p95)}",
                flush=True,
            )


def _row(name: str, figures: Figures) -> None:
    longest = f"{figures.longest:.0f} ms" if figures.longest else "under 50 ms"
    print(
        f"{name:<24} {figures.fps:>6.1f} {figures.p50:>7.1f} {figures.p95:>6.1f} {figures.p99:>6.1f} {longest:>13} "
        f"{figures.busy:>6.0%} {figures.elements:>9,} {figures.rate:>11.1f}"
    )


def _medians(rows: list[Figures]) -> Figures:
    columns = {name: statistics.median(getattr(row, name) for row in rows) for name in Figures.__slots__}
    return Figures(**columns)


def _met(whether: bool) -> str:
    return "met" if whether else "MISSED"


def _load() -> str:
    return " ".join(f"{load:.2f}" for load in os.getloadavg())


if __name__ == "__main__":
    main()
