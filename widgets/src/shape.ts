// A small language for the shape of JSON: the types come from it, and a test holds real data against it.

export interface Shape<T> {
  readonly kind: "text" | "number" | "flag" | "any" | "one" | "maybe" | "list" | "map" | "record";
  readonly of?: Shape<unknown>;
  readonly fields?: Readonly<Record<string, Shape<unknown>>>;
  readonly values?: readonly string[];
  /** Never there: it carries the type. */
  readonly type?: T;
}

/** The type of the data that fits a shape. */
export type Data<S> = S extends Shape<infer T> ? T : never;
type Fields = Readonly<Record<string, Shape<unknown>>>;

export const text: Shape<string> = { kind: "text" };
export const number: Shape<number> = { kind: "number" };
export const flag: Shape<boolean> = { kind: "flag" };
export const any: Shape<unknown> = { kind: "any" };
export const one = <T extends string>(...values: T[]): Shape<T> => ({ kind: "one", values });
export const maybe = <T>(of: Shape<T>): Shape<T | null> => ({ kind: "maybe", of });
export const list = <T>(of: Shape<T>): Shape<readonly T[]> => ({ kind: "list", of });
export const map = <T>(of: Shape<T>): Shape<Readonly<Record<string, T>>> => ({ kind: "map", of });
export const record = <F extends Fields>(fields: F): Shape<{ readonly [K in keyof F]: Data<F[K]> }> => ({
  kind: "record",
  fields,
});

/** Where `value` does not fit `shape`, one line a place: a wrong type, a missing field, a field nobody knows. */
export function misfits(value: unknown, shape: Shape<unknown>, path = "$"): string[] {
  const of = shape.of ?? any;
  switch (shape.kind) {
    case "any":
      return [];
    case "maybe":
      return value === null ? [] : misfits(value, of, path);
    case "text":
      return typeof value === "string" ? [] : [`${path} is no text`];
    case "number":
      return typeof value === "number" ? [] : [`${path} is no number`];
    case "flag":
      return typeof value === "boolean" ? [] : [`${path} is no flag`];
    case "one":
      return shape.values?.includes(String(value)) ? [] : [`${path} is ${String(value)}`];
    case "list":
      return Array.isArray(value)
        ? value.flatMap((item, i) => misfits(item, of, `${path}[${i}]`))
        : [`${path} is no list`];
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return [`${path} is no object`];
  }
  const found = value as Record<string, unknown>;
  if (shape.kind === "map") {
    return Object.entries(found).flatMap(([key, item]) => misfits(item, of, `${path}.${key}`));
  }
  const fields = shape.fields ?? {};
  return [
    ...Object.keys(found)
      .filter((key) => !(key in fields))
      .map((key) => `${path}.${key} is unknown`),
    ...Object.entries(fields).flatMap(([key, field]) =>
      key in found ? misfits(found[key], field, `${path}.${key}`) : [`${path}.${key} is missing`],
    ),
  ];
}
