// The board's colours for a canvas, which inherits none: read from the style sheet, so that there is one truth.

import { STATES, type State } from "../states";

interface Look {
  readonly fill: string;
  readonly stroke: string;
  readonly sign: string;
  readonly text: string;
  readonly dash: readonly number[];
}

export interface Palette {
  readonly ground: string;
  readonly ink: string;
  readonly soft: string;
  readonly line: string;
  readonly strong: string;
  readonly sunken: string;
  readonly focus: string;
  readonly late: string;
  readonly ui: string;
  readonly mono: string;
  readonly states: Readonly<Record<State, Look>>;
}

/** Variables of each state: fill, stroke, sign, text. */
const VARIABLES: Readonly<Record<State, readonly [string, string, string, string]>> = {
  blocked: ["--bg", "--wait", "--wait-sign", "--wait-text"],
  ready: ["--bg", "--run-text", "--run-text", "--run-text"],
  running: ["--run", "--run", "--on-run", "--ink"],
  asking: ["--ask", "--ask-line", "--ask-sign", "--ink"],
  completed: ["--done-fill", "--done", "--done-sign", "--ink1"],
  failed: ["--fail", "--fail", "--fail-sign", "--ink"],
  skipped: ["--bg", "--off", "--off-text", "--off-text"],
  cancelled: ["--off-fill", "--off", "--off-sign", "--off-text"],
};
const DASHES: Readonly<Partial<Record<State, readonly number[]>>> = {
  blocked: [4, 3],
  skipped: [1.5, 2.5],
  cancelled: [1.5, 2.5],
};

/** Read the palette by way of an element inside the board. */
export function readPalette(probe: HTMLElement): Palette {
  const colour = (variable: string) => {
    probe.style.color = `var(${variable})`;
    return getComputedStyle(probe).color;
  };
  const font = (variable: string) => {
    probe.style.fontFamily = `var(${variable})`;
    return getComputedStyle(probe).fontFamily;
  };
  const states = STATES.map((state) => {
    const [fill, stroke, sign, text] = VARIABLES[state].map(colour) as [string, string, string, string];
    return [state, { fill, stroke, sign, text, dash: DASHES[state] ?? [] }] as const;
  });
  return {
    ground: colour("--bg"),
    ink: colour("--ink"),
    soft: colour("--ink2"),
    line: colour("--line"),
    strong: colour("--line2"),
    sunken: colour("--sunken"),
    focus: colour("--focus"),
    late: colour("--ask-line"),
    ui: font("--ui"),
    mono: font("--mono"),
    states: Object.fromEntries(states) as Palette["states"],
  };
}
