// A button that copies a text.

import { useSignal } from "@preact/signals";

interface Props {
  /** Called when the button is pressed. */
  text: () => string;
  word?: string;
  hint?: string;
}

/** Copies the text exactly as it is, not as it is shown. */
export function Copy({ text, word = "Copy", hint }: Props) {
  const done = useSignal("");
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text());
      done.value = "Copied";
    } catch {
      done.value = "Select it and copy: the page may not";
    }
  };
  return (
    <button type="button" class="copy" title={hint} onClick={() => void copy()}>
      {done.value || word}
    </button>
  );
}
