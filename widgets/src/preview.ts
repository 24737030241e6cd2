// What the kernel shows of an artifact (`conductor_magic/preview.py`), asked for one after the other.

import type { Link } from "./link";

interface Picture {
  readonly kind: "picture";
  readonly mime: string;
  readonly data: string;
}

export interface Table {
  readonly kind: "table";
  readonly head: readonly string[];
  readonly rows: readonly (readonly (string | null)[])[];
  readonly numeric: readonly boolean[];
  readonly total: number | null;
  readonly columns: number;
}

interface Text {
  readonly kind: "text";
  readonly text: string;
  readonly left: number;
}

interface Note {
  readonly kind: "note";
  readonly text: string;
}

export type Preview = { readonly path: string } & (Picture | Table | Text | Note);

/** Characters a millisecond: a Jupyter server that is sent more than 3 MB in three seconds stops passing messages on. */
const PACE = 400;
const shelves = new WeakMap<Link, Shelf>();

class Shelf {
  private last: Promise<void> = Promise.resolve();

  constructor(private readonly link: Link) {}

  ask(task: string, name: string, wanted: () => boolean): Promise<Preview> {
    return new Promise((resolve) => {
      this.last = this.last.then(async () => {
        if (!wanted()) return;
        const { preview, error } = await this.link.request("artifact", { task, name });
        resolve(preview ?? { path: "", kind: "note", text: error ?? "The kernel sent nothing." });
        if (preview?.kind === "picture") await new Promise((done) => setTimeout(done, preview.data.length / PACE));
      });
    });
  }
}

/** What is shown of an artifact; never answered when it is no longer `wanted` once its turn has come. */
export function previewOf(link: Link, task: string, name: string, wanted: () => boolean): Promise<Preview> {
  const shelf = shelves.get(link) ?? new Shelf(link);
  shelves.set(link, shelf);
  return shelf.ask(task, name, wanted);
}
