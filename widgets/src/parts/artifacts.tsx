// What a task left: its report, the files that it changed, and its artifacts, shown as what they are.

import { useSignal } from "@preact/signals";
import { useLayoutEffect } from "preact/hooks";
import { type Preview, previewOf, type Table } from "../preview";
import type { Detail, Snapshot } from "../snapshot";
import type { View } from "../view";
import { bytes, clean, line } from "../words";
import { Copy } from "./copy";
import { Markdown } from "./markdown";

/** So many are shown without being asked for. */
const OPEN = 4;
const PICTURE = /^image\/(?:png|jpeg|gif|webp|svg\+xml)$/;
const KINDS: Readonly<Record<string, string>> = {
  "image/png": "PNG image",
  "image/svg+xml": "SVG image",
  "application/vnd.apache.arrow.file": "table",
  "application/vnd.dataresource+json": "table",
  "application/x-npz": "array",
  "application/json": "JSON",
  "text/plain": "text",
};

interface Props {
  view: View;
  snapshot: Snapshot;
  detail: Detail;
}

export function Output({ view, snapshot, detail }: Props) {
  const made = snapshot.artifacts.filter((artifact) => detail.artifacts.includes(artifact.name));
  return (
    <>
      {detail.output === "" ? (
        <p class="of">The report appears here when the task is done.</p>
      ) : (
        <>
          <Copy text={() => detail.output} hint="The report as it was written" />
          <Markdown text={detail.output} />
        </>
      )}
      {detail.files.length > 0 && (
        <section class="left">
          <h4>Files</h4>
          <ul>
            {detail.files.map((file) => (
              <li key={file.path}>
                <code>{line(file.path)}</code> <span class="of">{file.action}</span>
              </li>
            ))}
          </ul>
        </section>
      )}
      {made.length > 0 && (
        <section class="left">
          <h4>Artifacts</h4>
          {made.map((artifact, index) => (
            <Artifact
              key={`${artifact.name} ${artifact.size}`}
              view={view}
              task={artifact.task}
              name={artifact.name}
              about={`${KINDS[artifact.mime] ?? line(artifact.mime, 60)}, ${bytes(artifact.size)}`}
              open={index < OPEN}
            />
          ))}
        </section>
      )}
    </>
  );
}

interface ArtifactProps {
  view: View;
  task: string;
  name: string;
  about: string;
  open: boolean;
}

function Artifact({ view, task, name, about, open }: ArtifactProps) {
  const wanted = useSignal(open);
  const found = useSignal<Preview | null>(null);
  useLayoutEffect(() => {
    if (!wanted.value || found.peek() !== null) return;
    let here = true;
    void previewOf(view.link, task, name, () => here).then((preview) => {
      if (here) found.value = preview;
    });
    return () => {
      here = false;
    };
  }, [wanted.value]);
  return (
    <details class="artifact" open={open} onToggle={(event) => (wanted.value = event.currentTarget.open)}>
      <summary>
        <b>{line(name)}</b> <span class="of">{about}</span>
      </summary>
      {found.value === null ? <p class="of">Asking the kernel…</p> : <Shown name={name} preview={found.value} />}
    </details>
  );
}

function Shown({ name, preview }: { name: string; preview: Preview }) {
  switch (preview.kind) {
    case "picture":
      // As an image nothing in it runs or loads, also in an SVG. The type is one of images, whoever sent it.
      return PICTURE.test(preview.mime) ? (
        <img alt={line(name)} src={`data:${preview.mime};base64,${preview.data}`} />
      ) : null;
    case "table":
      return <Rows table={preview} />;
    case "text":
      return (
        <>
          <pre>{clean(preview.text)}</pre>
          {preview.left > 0 && (
            <p class="of">
              {bytes(preview.left)} more in <code>{line(preview.path)}</code>
            </p>
          )}
        </>
      );
    default:
      return (
        <p class="of">
          {line(preview.text, 600)} {preview.path !== "" && <code>{line(preview.path)}</code>}
        </p>
      );
  }
}

function Rows({ table }: { table: Table }) {
  const { head, rows, numeric, total, columns } = table;
  const side = (at: number) => (numeric[at] === true ? "num" : undefined);
  const wide = columns > head.length ? `, ${head.length} of ${columns.toLocaleString("en")} columns` : "";
  return (
    <>
      <div class="wide">
        <table>
          <thead>
            <tr>
              {head.map((name, at) =>
                name === "" ? (
                  <td key={at} />
                ) : (
                  <th key={at} scope="col" class={side(at)}>
                    {line(name)}
                  </th>
                ),
              )}
            </tr>
          </thead>
          <tbody>
            {rows.map((row, place) => (
              <tr key={place}>
                {row.map((cell, at) => (
                  <td key={at} class={side(at)}>
                    {cell === null ? <span class="of">–</span> : clean(cell)}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <p class="of">
        {total === null || total === rows.length
          ? `${rows.length} rows`
          : `${rows.length} of ${total.toLocaleString("en")} rows`}
        {wide}
      </p>
    </>
  );
}
