// Builds the one file that the widget loads: src/index.ts with everything in it, the style sheet as a string.
// `node build.mjs [target]` writes to `target` instead, so that a check can compare it with what is committed.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { gzipSync } from "node:zlib";
import { build, transform } from "esbuild";

const LIMIT = 45_000;
const target = process.argv[2] ?? new URL("../conductor_magic/static/board.js", import.meta.url).pathname;

const cssAsText = {
  name: "css-as-text",
  setup(bundle) {
    bundle.onLoad({ filter: /\.css$/ }, async ({ path }) => {
      const { code } = await transform(readFileSync(path, "utf8"), { loader: "css", minify: true });
      return { contents: code.trim(), loader: "text" };
    });
  },
};

const result = await build({
  absWorkingDir: new URL(".", import.meta.url).pathname,
  entryPoints: ["src/index.tsx"],
  bundle: true,
  minify: true,
  format: "esm",
  target: "es2022",
  charset: "utf8",
  legalComments: "none",
  plugins: [cssAsText],
  write: false,
});
const [file] = result.outputFiles;
const size = gzipSync(file.contents, { level: 9 }).length;
if (size > LIMIT) {
  throw new Error(`The bundle is ${size} bytes gzipped; it may be ${LIMIT}.`);
}
mkdirSync(dirname(target), { recursive: true });
writeFileSync(target, file.contents);
process.stdout.write(`${target}: ${file.contents.length} bytes, ${size} gzipped\n`);
