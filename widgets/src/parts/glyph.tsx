// The sign of a state: its own drawing, border and fill, so that colour is never all there is.

import type { State } from "../states";

export const DRAWINGS: Readonly<Record<State, string>> = {
  blocked: "M5 9h.01M9 9h.01M13 9h.01",
  ready: "M9 5.5a3.5 3.5 0 1 0 0 7a3.5 3.5 0 1 0 0-7",
  running: "M7 5.4v7.2l5.6-3.6z",
  asking: "M6.9 7.1a2.1 2.1 0 1 1 3 1.9c-.7.35-.9.7-.9 1.4M9 12.7v.01",
  completed: "M5.2 9.3l2.6 2.6 5-5.4",
  failed: "M6 6l6 6M12 6l-6 6",
  skipped: "M5.6 6l3 3-3 3M9.6 6l3 3-3 3",
  cancelled: "M9 5a4 4 0 1 0 0 8a4 4 0 1 0 0-8M6.3 11.7l5.4-5.4",
};

export function Glyph({ state }: { state: State }) {
  return (
    <svg class="glyph" data-state={state} viewBox="0 0 18 18" width="18" height="18" aria-hidden="true">
      <rect x="1" y="1" width="16" height="16" rx="4" />
      <path d={DRAWINGS[state]} />
    </svg>
  );
}
