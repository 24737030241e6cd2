// A notebook keeps a static copy of the board beside the live one. While the live one is up, the copy is hidden.

const COPY = "[data-conduct-fallback]";
const AREA = ".jp-OutputArea, .jp-Cell-outputArea, .output_wrapper, .cell-outputs, output";
const HIDDEN = "data-conduct-hidden";

/** Hide all static copies in the output of `host`, also those that come later; returns the way to undo it. */
export function hideCopies(host: HTMLElement): () => void {
  const area = host.closest<HTMLElement>(AREA);
  if (area === null) return () => {};
  const hide = () => {
    for (const copy of area.querySelectorAll<HTMLElement>(COPY)) {
      const output = copy.closest<HTMLElement>(".jp-OutputArea-child") ?? copy;
      if (!output.contains(host)) {
        output.style.display = "none";
        output.setAttribute(HIDDEN, "");
      }
    }
  };
  hide();
  const observer = new MutationObserver(hide);
  observer.observe(area, { childList: true, subtree: true });
  return () => {
    observer.disconnect();
    for (const output of area.querySelectorAll<HTMLElement>(`[${HIDDEN}]`)) {
      output.style.display = "";
      output.removeAttribute(HIDDEN);
    }
  };
}
