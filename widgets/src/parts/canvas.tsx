// A canvas as wide and high as its place, drawn once a frame at most, with the board's own colours.

import { useSignal, useSignalEffect } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { type Palette, readPalette } from "../graph/palette";

export interface Size {
  readonly width: number;
  readonly height: number;
  readonly ratio: number;
}

/** What to put into a place: `host` and `canvas` for the elements, `probe` for a hidden one that colours are read by. */
export function useCanvas(
  dark: boolean,
  paint: (context: CanvasRenderingContext2D, palette: Palette, size: Size) => void,
) {
  const host = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const probe = useRef<HTMLSpanElement>(null);
  const place = useSignal({ width: 0, height: 0 });
  const palette = useRef<Palette | null>(null);
  const frame = useRef(0);
  const seen = useRef(true);
  const draw = useRef(() => {});
  const { width, height } = place.value;
  draw.current = () => {
    const sheet = canvas.current;
    const context = sheet?.getContext?.("2d");
    if (!sheet || !context || !probe.current || width === 0) return;
    palette.current ??= readPalette(probe.current);
    const ratio = globalThis.devicePixelRatio || 1;
    const [w, h] = [Math.round(width * ratio), Math.round(height * ratio)];
    if (sheet.width !== w || sheet.height !== h) [sheet.width, sheet.height] = [w, h];
    paint(context, palette.current, { width, height, ratio });
  };
  const redraw = () => {
    if (!seen.current) return;
    cancelAnimationFrame(frame.current);
    frame.current = requestAnimationFrame(() => draw.current());
  };
  useEffect(() => {
    const area = host.current;
    if (area === null) return;
    const measure = () => {
      // Into a page only now, or into another theme: the colours are read anew.
      palette.current = null;
      place.value = { width: area.clientWidth, height: area.clientHeight };
    };
    const observer = new ResizeObserver(measure);
    observer.observe(area);
    // A notebook may drop what a canvas holds while it is out of sight; there it is not drawn at all.
    const sight = new IntersectionObserver((entries) => {
      seen.current = entries.at(-1)?.isIntersecting ?? true;
      if (seen.current) redraw();
    });
    sight.observe(area);
    measure();
    return () => {
      observer.disconnect();
      sight.disconnect();
      cancelAnimationFrame(frame.current);
    };
  }, [place]);
  // Another theme, other colours.
  useEffect(() => {
    palette.current = null;
  }, [dark]);
  useEffect(redraw);
  return { host, canvas, probe, place, redraw };
}

/** Ask for a frame whenever a signal that `read` reads has changed. */
export function useRedraw(redraw: () => void, read: () => void): void {
  useSignalEffect(() => {
    read();
    redraw();
  });
}
