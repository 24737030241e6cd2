// Markdown as elements, made one by one from text: there is no HTML in between, so none of a model's can get in.

import type { ComponentChildren } from "preact";
import { type Block, type Inline, markdown } from "../markdown";
import { clean } from "../words";

const LONGEST = 100_000;

export function Markdown({ text }: { text: string }) {
  const cut = text.length > LONGEST;
  return (
    <div class="markdown">
      {markdown(clean(text.slice(0, LONGEST))).map(block)}
      {cut && <p class="of">The rest is in the result.</p>}
    </div>
  );
}

function block(one: Block, key: number): ComponentChildren {
  switch (one.kind) {
    case "heading": {
      // Below the headings of the board itself.
      const Level = one.level <= 2 ? "h4" : "h5";
      return <Level key={key}>{one.parts.map(piece)}</Level>;
    }
    case "code":
      return <pre key={key}>{one.text}</pre>;
    case "quote":
      return <blockquote key={key}>{one.blocks.map(block)}</blockquote>;
    case "list": {
      const items = one.items.map((item, place) => <li key={place}>{item.map(block)}</li>);
      return one.start === null ? (
        <ul key={key}>{items}</ul>
      ) : (
        <ol key={key} start={one.start}>
          {items}
        </ol>
      );
    }
    case "table":
      return (
        <div key={key} class="wide">
          <table>
            <thead>
              <tr>
                {one.head.map((cell, place) =>
                  cell.length === 0 ? (
                    <td key={place} />
                  ) : (
                    <th key={place} scope="col">
                      {cell.map(piece)}
                    </th>
                  ),
                )}
              </tr>
            </thead>
            <tbody>
              {one.rows.map((row, place) => (
                <tr key={place}>
                  {row.map((cell, column) => (
                    <td key={column}>{cell.map(piece)}</td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      );
    case "rule":
      return <hr key={key} />;
    default:
      return <p key={key}>{one.parts.map(piece)}</p>;
  }
}

function piece(one: Inline, key: number): ComponentChildren {
  switch (one.kind) {
    case "code":
      return <code key={key}>{one.text}</code>;
    case "strong":
      return <strong key={key}>{one.parts.map(piece)}</strong>;
    case "em":
      return <em key={key}>{one.parts.map(piece)}</em>;
    case "del":
      return <del key={key}>{one.parts.map(piece)}</del>;
    case "link":
      return (
        <a key={key} href={one.url} target="_blank" rel="noopener noreferrer nofollow">
          {one.parts.map(piece)} <span class="of">({one.host})</span>
        </a>
      );
    default:
      return one.text;
  }
}
