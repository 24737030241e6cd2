// The plan as a picture: a canvas for the eye, a described cursor for the keyboard and for screen readers.

import { useSignal, useSignalEffect } from "@preact/signals";
import { useMemo } from "preact/hooks";
import { type Arrangement, boxAt, type Layout, layout, MOST_BOXES, neighbour } from "../graph/layout";
import { blockers, dependents, reduced } from "../graph/order";
import { paint } from "../graph/paint";
import type { Snapshot, Task } from "../snapshot";
import type { View } from "../view";
import { clock, count, line, WORDS } from "../words";
import { useCanvas, useRedraw } from "./canvas";
import { Drafting } from "./drafting";
import { Glyph } from "./glyph";

const NONE: ReadonlySet<string> = new Set();
const TIP = { width: 250, offset: 14 };

export function Graph({ view, snapshot, dark }: { view: View; snapshot: Snapshot; dark: boolean }) {
  const hovered = useSignal<{ id: string; x: number; y: number } | null>(null);
  const arrangement: Arrangement = view.book.value === "Flow" ? "flow" : "phases";
  const zoom = view.zoom.value;
  const shape = shapeOf(snapshot);
  const { host, canvas, probe, place, redraw } = useCanvas(dark, (context, palette, size) => {
    const scene = {
      snapshot,
      now: view.now(),
      layout: found,
      edges,
      palette,
      selected: view.selected.peek(),
      pointed: hovered.peek()?.id ?? view.pointed.peek(),
      filter: view.filter.peek(),
      critical: view.critical.peek() ? new Set(snapshot.critical) : NONE,
    };
    const area = host.current;
    paint(context, scene, { x: area?.scrollLeft ?? 0, y: area?.scrollTop ?? 0, ...size });
  });
  const { width, height } = place.value;
  // `shape` is what of a snapshot moves a box
  const found = useMemo(
    () => layout(snapshot, arrangement, Math.max(1, width * zoom), Math.max(1, height * zoom)),
    [shape, arrangement, width, height, zoom],
  );
  const edges = useMemo(() => reduced(snapshot), [shape]);
  useRedraw(redraw, () => {
    // Whatever the picture shows besides the snapshot.
    void [view.selected.value, view.pointed.value, hovered.value, view.filter.value, view.critical.value];
    void view.now();
  });
  useSignalEffect(() => {
    const id = view.selected.value ?? view.pointed.value;
    const box = id === null ? undefined : found.boxes.get(id);
    if (box !== undefined && host.current !== null) reveal(host.current, box);
  });

  const at = (event: MouseEvent) => {
    const area = host.current;
    if (area === null) return null;
    const bounds = area.getBoundingClientRect();
    const [x, y] = [event.clientX - bounds.left, event.clientY - bounds.top];
    const id = boxAt(found, x + area.scrollLeft, y + area.scrollTop);
    return id === null ? null : { id, x, y };
  };
  const cursor = view.pointed.value ?? view.selected.value ?? snapshot.order[0] ?? null;
  const task = cursor === null ? undefined : snapshot.tasks[cursor];
  return (
    <div class="graph">
      <div
        ref={host}
        class="plan"
        role="application"
        aria-label={`The plan: ${count(snapshot.order.length, "task")}. Arrow keys move, Enter opens.`}
        aria-describedby="cursor"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: an application takes the keys itself
        tabIndex={0}
        onScroll={redraw}
        onFocus={() => (view.pointed.value ??= cursor)}
        onBlur={() => (view.pointed.value = null)}
        onKeyDown={(event) => keys(event, view, snapshot, found, cursor)}
        onPointerMove={(event) => (hovered.value = at(event))}
        onPointerLeave={() => (hovered.value = null)}
        onClick={(event) => {
          const hit = at(event);
          if (hit !== null) view.inspect(hit.id);
        }}
        onWheel={(event) => {
          if (!event.ctrlKey) return;
          event.preventDefault();
          view.zoomBy(event.deltaY < 0 ? 1.25 : 0.8);
        }}
      >
        {/* biome-ignore lint/a11y/noAriaHiddenOnFocusable: a canvas takes no focus */}
        <canvas ref={canvas} aria-hidden="true" style={{ width: `${width}px`, height: `${height}px` }} />
        <div style={{ width: `${found.width}px`, height: `${Math.max(0, found.height - height)}px` }} />
      </div>
      <span ref={probe} hidden />
      <p id="cursor" class="aloud" aria-live="polite">
        {view.pointed.value !== null && task !== undefined ? described(snapshot, task) : ""}
      </p>
      {hovered.value !== null && <Tip view={view} snapshot={snapshot} at={hovered.value} place={place.value} />}
      {snapshot.order.length > 0 ? <Tools view={view} /> : <Drafting snapshot={snapshot} />}
    </div>
  );
}

/** Everything of a snapshot that decides where boxes stand. */
function shapeOf(snapshot: Snapshot): string {
  const rows = snapshot.order.map((id) => {
    const task = snapshot.tasks[id];
    // A phase that is done folds; as tiles, nothing does.
    const done = snapshot.order.length <= MOST_BOXES && task?.shown === "completed" ? 1 : 0;
    return `${id}:${task?.phase}:${task?.blocked_by.join(",")}:${done}`;
  });
  return rows.join("|");
}

function keys(event: KeyboardEvent, view: View, snapshot: Snapshot, found: Layout, cursor: string | null): void {
  if (cursor === null || event.ctrlKey || event.metaKey || event.altKey) return;
  const related = { "[": blockers(snapshot, cursor)[0], "]": dependents(snapshot, cursor)[0] }[event.key];
  const ends = { Home: snapshot.order[0], End: snapshot.order.at(-1) }[event.key];
  const next = related ?? ends ?? neighbour(found, cursor, event.key);
  if (event.key === "Enter" || event.key === " ") view.inspect(cursor);
  else if (next !== null && next !== undefined) view.pointed.value = next;
  else if (!event.key.startsWith("Arrow")) return;
  event.preventDefault();
}

/** What a screen reader says of a task. */
function described(snapshot: Snapshot, task: Task): string {
  const waits = task.waits_for.length > 0 ? `, waiting on ${task.waits_for.map((id) => `#${id}`).join(", ")}` : "";
  const phase = task.phase === "" || snapshot.phases.length < 2 ? "" : `, ${line(task.phase, 60)}`;
  return `Task ${task.id}, ${line(task.subject, 120)}, ${WORDS[task.shown]}, ${task.tier.toUpperCase()}${phase}${waits}`;
}

interface TipProps {
  view: View;
  snapshot: Snapshot;
  at: { readonly id: string; readonly x: number; readonly y: number };
  place: { readonly width: number; readonly height: number };
}

function Tip({ view, snapshot, at, place }: TipProps) {
  const task = snapshot.tasks[at.id];
  if (task === undefined) return null;
  const worker = task.worker === null ? undefined : snapshot.workers[task.worker];
  const spent = task.started === null ? null : (task.ended ?? view.now()) - task.started;
  const left = Math.min(at.x + TIP.offset, Math.max(0, place.width - TIP.width - 8));
  const low = at.y > place.height / 2;
  const style = low
    ? { left: `${left}px`, bottom: `${place.height - at.y + TIP.offset}px` }
    : { left: `${left}px`, top: `${at.y + TIP.offset}px` };
  return (
    <div class="tip" style={style} aria-hidden="true">
      <p class="tiphead">
        <Glyph state={task.shown} />
        <b>
          #{task.id} {line(task.subject, 160)}
        </b>
      </p>
      <p class="of">
        {WORDS[task.shown]} · {task.tier.toUpperCase()}
        {spent !== null && ` · ${clock(spent)}${worker && worker.expected > 0 ? ` of ~${clock(worker.expected)}` : ""}`}
        {task.attempts > 1 && ` · attempt ${task.attempts}`}
      </p>
      {task.waits_for.length > 0 && <p>Waits for {task.waits_for.map((id) => `#${id}`).join(" ")}</p>}
      {worker?.tool != null && worker.outcome === null && (
        <p class="tool">
          <b>{line(worker.tool.name, 40)}</b> {line(worker.tool.argument, 120)}
        </p>
      )}
      {task.error !== "" && <p class="error">{line(task.error, 240)}</p>}
    </div>
  );
}

/** Scroll the picture so that a box is in sight. */
function reveal(area: HTMLElement, box: { x: number; y: number; w: number; h: number }): void {
  const [right, bottom] = [area.scrollLeft + area.clientWidth, area.scrollTop + area.clientHeight];
  if (box.x < area.scrollLeft || box.x + box.w > right) area.scrollLeft = Math.max(0, box.x - 40);
  if (box.y < area.scrollTop || box.y + box.h > bottom) area.scrollTop = Math.max(0, box.y - 40);
}

/** Which picture of the tasks. */
export function Books({ view, snapshot }: { view: View; snapshot: Snapshot }) {
  const many = snapshot.order.length > MOST_BOXES;
  const books = many ? (["Phases", "Table"] as const) : (["Phases", "Flow", "Table"] as const);
  return (
    <fieldset class="panes" aria-label="Show the tasks as">
      {books.map((book) => (
        <button
          key={book}
          type="button"
          data-book={book}
          aria-pressed={view.book.value === book}
          onClick={() => (view.book.value = book)}
        >
          {book}
        </button>
      ))}
    </fieldset>
  );
}

/** How large the picture is, and what is marked in it. */
function Tools({ view }: { view: View }) {
  return (
    <fieldset class="zoom" aria-label="Picture">
      <Tool
        name="Mark the longest chain"
        draws="M2 11l4-6 4 6 4-6"
        pressed={view.critical.value}
        press={() => (view.critical.value = !view.critical.value)}
      />
      <Tool name="Smaller" draws="M3 8h10" press={() => view.zoomBy(0.8)} />
      <Tool name="Fit" draws="M3 6V3h3M10 3h3v3M13 10v3h-3M6 13H3v-3" press={() => (view.zoom.value = 1)} />
      <Tool name="Larger" draws="M3 8h10M8 3v10" press={() => view.zoomBy(1.25)} />
    </fieldset>
  );
}

interface ToolProps {
  name: string;
  draws: string;
  press: () => void;
  pressed?: boolean;
}

function Tool({ name, draws, press, pressed }: ToolProps) {
  return (
    <button type="button" class="icon" aria-label={name} title={name} aria-pressed={pressed} onClick={press}>
      <svg viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">
        <path d={draws} />
      </svg>
    </button>
  );
}
