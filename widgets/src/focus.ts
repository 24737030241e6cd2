// Keeps the keyboard in the board: when the focused button goes away, the next key must not reach the notebook, where
// two letters delete a cell.

/** Give the focus to `home` whenever what had it is taken out of the page; returns the way to stop it. */
export function keepFocus(root: ShadowRoot, home: () => HTMLElement | null): () => void {
  let last: Element | null = null;
  const enter = (event: Event) => {
    last = event.target as Element;
  };
  const leave = (event: Event) => {
    // Taking an element away blurs it too, in some browsers before it is gone: so look a moment later.
    setTimeout(() => {
      if (last === event.target && last?.isConnected) last = null;
    });
  };
  const observer = new MutationObserver(() => {
    if (last !== null && !last.isConnected) {
      last = null;
      if (root.activeElement === null) home()?.focus({ preventScroll: true });
    }
  });
  root.addEventListener("focusin", enter);
  root.addEventListener("focusout", leave);
  observer.observe(root, { childList: true, subtree: true });
  return () => {
    observer.disconnect();
    root.removeEventListener("focusin", enter);
    root.removeEventListener("focusout", leave);
  };
}
