// Puts one view of a store into a page: a shadow root that the page's styles do not reach, and that cleans up after itself.

import { signal } from "@preact/signals";
import { render } from "preact";
import { hideCopies } from "./fallback";
import { keepFocus } from "./focus";
import type { Link } from "./link";
import { Board } from "./parts/board";
import type { Store } from "./store";
import { isDark, watchTheme } from "./theme";
import { type Size, sizeOf, View } from "./view";

const TICK_MS = 500;

/** Draw the store into `el`; returns the way to take it away again. */
export function mount(el: HTMLElement, store: Store, link: Link, style: string): () => void {
  const host = document.createElement("div");
  // Letters typed here are ours: the notebook must not take `d d` for "delete this cell".
  host.setAttribute("data-lm-suppress-shortcuts", "true");
  host.setAttribute("data-conduct-board", "");
  el.append(host);
  const root = host.attachShadow({ mode: "open" });
  const sheet = document.createElement("style");
  sheet.textContent = style;
  const place = document.createElement("div");
  root.append(sheet, place);

  const view = new View(store, link);
  const dark = signal(isDark());
  const size = signal<Size>("m");
  let showCopies = () => {};
  let placed = false;
  const resized = () => {
    const width = host.clientWidth;
    if (width === 0) return;
    size.value = sizeOf(width);
    dark.value = isDark();
    if (!placed) {
      // A view is drawn before it is in the page, so only now can it be seen what stands beside it.
      placed = true;
      showCopies = hideCopies(host);
    }
  };
  const observer = new ResizeObserver(resized);
  observer.observe(host);
  resized();
  const unwatch = watchTheme(() => {
    dark.value = isDark();
  });
  const release = keepFocus(root, () => place.querySelector<HTMLElement>(".board"));
  const timer = setInterval(() => store.beat(), TICK_MS);
  render(<Board view={view} size={size} dark={dark} />, place);

  return () => {
    clearInterval(timer);
    unwatch();
    release();
    observer.disconnect();
    showCopies();
    view.close();
    render(null, place);
    host.remove();
  };
}
