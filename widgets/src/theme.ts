// Light or dark, as the page around the board is, and told when that changes.

/** VS Code first: there, Jupyter's own variables say light even in a dark window. */
export function isDark(page: Document = document): boolean {
  const { vscodeThemeKind, jpThemeLight } = page.body.dataset;
  if (vscodeThemeKind !== undefined) return /dark|high-contrast$/.test(vscodeThemeKind);
  if (jpThemeLight !== undefined) return jpThemeLight === "false";
  const theme = page.documentElement.getAttribute("theme");
  if (theme !== null) return theme === "dark";
  return matchMedia("(prefers-color-scheme: dark)").matches;
}

/** Call `changed` whenever the page may have got another theme; returns the way to stop it. */
export function watchTheme(changed: () => void): () => void {
  const observer = new MutationObserver(changed);
  const attributes = ["data-jp-theme-light", "data-jp-theme-name", "data-vscode-theme-kind", "theme", "class"];
  observer.observe(document.body, { attributes: true, attributeFilter: attributes });
  observer.observe(document.documentElement, { attributes: true, attributeFilter: attributes });
  const media = matchMedia("(prefers-color-scheme: dark)");
  media.addEventListener("change", changed);
  return () => {
    observer.disconnect();
    media.removeEventListener("change", changed);
  };
}
