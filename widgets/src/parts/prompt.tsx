// The exact prompt of one attempt, with who wrote which part of it.

import { parts } from "../record";
import type { Attempt, Detail } from "../snapshot";
import { clean } from "../words";
import { Copy } from "./copy";

export function Prompt({ detail, attempt }: { detail: Detail; attempt: Attempt | undefined }) {
  const prompt = attempt?.prompt ?? detail.prompt;
  if (prompt === "") {
    return (
      <>
        <p class="of">The conductor has not handed this task out yet. It wrote this about it:</p>
        <pre>{clean(detail.description)}</pre>
      </>
    );
  }
  const { preamble, task, added } = parts(prompt);
  return (
    <>
      <Copy text={() => prompt} hint="The exact prompt" />
      {attempt === undefined && <p class="of">Not sent yet.</p>}
      <Part title="Preamble, sent to every worker" text={preamble} dim />
      <Part title="Task, written by the conductor" text={task} />
      <Part title="Added for this worker" text={added} dim />
    </>
  );
}

function Part({ title, text, dim = false }: { title: string; text: string; dim?: boolean }) {
  if (text === "") return null;
  return (
    <section class="part" data-dim={dim}>
      <h4>{title}</h4>
      <pre>{clean(text.trimEnd())}</pre>
    </section>
  );
}
