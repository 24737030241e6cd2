// A kernel of a test's own: the real widget in a page, and what it sends, to be answered by hand.

import widget from "../src/index";
import type { Incoming, Model, Outgoing } from "../src/protocol";
import { PICTURE_SECONDS } from "../src/store";
import { golden, goldenDetails } from "./golden";

/** The board of a golden run, its tasks shown as a table: what is asked of rows can be read there. */
export async function opened(name: string, width = 1400, place: HTMLElement = document.body) {
  const sent: Outgoing[] = [];
  const callbacks = new Map<string, (message: Incoming) => void>();
  const model: Model = {
    get: () => ({ n: 1, snapshot: golden(name), lines: { w3: "Half of it is read" } }),
    on: (event, callback) => void callbacks.set(event, callback),
    off: (event) => void callbacks.delete(event),
    send: (message) => void sent.push(message),
  };
  const say = (message: Incoming) => callbacks.get("msg:custom")?.(message);
  const parts = widget();
  const end = parts.initialize({ model });
  const el = document.createElement("div");
  Object.defineProperty(HTMLElement.prototype, "clientWidth", { configurable: true, get: () => width });
  place.append(el);
  const unmount = parts.render({ el });
  const root = el.querySelector<HTMLElement>("[data-conduct-board]")?.shadowRoot;
  if (!root) throw new Error("there is no board");
  const settle = () => new Promise((done) => setTimeout(done, 30));
  await settle();
  root.querySelector<HTMLElement>('[data-book="Table"]')?.click();
  await settle();
  const find = (selector: string) => root.querySelector<HTMLElement>(selector);
  return {
    el,
    root,
    sent,
    say,
    find,
    settle,
    of: (kind: string) => sent.filter((message) => message.kind === kind),
    /** Press what the selector finds, and let the page settle. */
    press: async (selector: string) => {
      const found = find(selector);
      if (!found) throw new Error(`there is no ${selector}`);
      found.click();
      await settle();
    },
    /** Acknowledge the last command of this kind as `board.py` does. */
    acknowledge: async (kind: string, more: object = {}) => {
      const last = sent.filter((message) => message.kind === kind).at(-1);
      const details = goldenDetails(name);
      const detail = kind === "inspect" ? { detail: details[String(Object.values(last?.payload ?? {})[0])] } : {};
      say({ kind: "ack", id: last?.id ?? "", ...detail, ...more } as Incoming);
      await settle();
    },
    patch: async (changes: [string[], unknown?][], n = 2) => {
      say({ kind: "patch", n, base: n - 1, changes, lines: {} });
      await new Promise((done) => setTimeout(done, PICTURE_SECONDS * 1_000 + 20));
      await settle();
    },
    text: () => find(".board")?.textContent ?? "",
    end: () => {
      unmount?.();
      end();
      el.remove();
    },
  };
}

export type Opened = Awaited<ReturnType<typeof opened>>;
