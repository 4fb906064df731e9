/** Lines over time, drawn by uPlot in the page's own colours. */

import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import { formatTime } from "../format.ts";
import { useText } from "../state.tsx";

export interface Series {
  readonly label: string;
  /** A colour of the style sheet: "--series-1". */
  readonly color: string;
  readonly values: readonly (number | null)[];
}

export interface ChartProps {
  /** Says what is shown to those who can't see it. */
  label: string;
  /** Moments in milliseconds, rising, one for each value. */
  times: readonly number[];
  series: readonly Series[];
  format: (value: number) => string;
  height?: number;
  /** "bars" for what is counted over a span. */
  kind?: "line" | "bars";
  /** The moment that is picked, in milliseconds, and what to do when another one is. */
  picked?: number | undefined;
  onPick?: (timestamp: number) => void;
  /** Called with the span that was dragged over. */
  onSpan?: (begin: number, end: number) => void;
}

const HEIGHT = 180;
/** A chart of fewer seconds would show noise. */
const SPAN_SECONDS_MIN = 60;

/** A chart as wide as its place. */
export function Chart(props: ChartProps) {
  const frame = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot>(undefined);
  const latest = useRef(props);
  latest.current = props;
  const { label, times, series, height = HEIGHT, kind } = props;
  const shape = `${kind}|${height}|${series.map(({ label, color }) => label + color).join("|")}`;
  useEffect(() => {
    const element = frame.current!;
    const draw = () => {
      plot.current?.destroy();
      plot.current = new uPlot(optionsOf(element, latest), dataOf(latest.current), element);
    };
    draw();
    const observer = new ResizeObserver(() => {
      plot.current?.setSize({ width: element.clientWidth, height });
    });
    observer.observe(element);
    const scheme = matchMedia("(prefers-color-scheme: dark)");
    scheme.addEventListener("change", draw);
    const theme = new MutationObserver(draw);
    theme.observe(document.documentElement, { attributeFilter: ["data-theme"] });
    return () => {
      observer.disconnect();
      theme.disconnect();
      scheme.removeEventListener("change", draw);
      plot.current?.destroy();
      plot.current = undefined;
    };
  }, [shape]);
  useEffect(() => plot.current?.setData(dataOf(latest.current)), [times, series]);
  useEffect(() => plot.current?.redraw(false), [props.picked]);
  return (
    <figure class="chart">
      <div ref={frame} role="img" aria-label={label} />
      <Legend {...props} />
    </figure>
  );
}

/** The newest values in words, so that nobody has to read them off the lines. */
function Legend({ series, format }: ChartProps) {
  const t = useText();
  if (series.length < 2) return null;
  return (
    <figcaption>
      {series.map(({ label, color, values }) => (
        <span key={label}>
          <i class={color.slice(2)} aria-hidden="true" />
          {label} <b>{values.length === 0 ? t("state.none") : format(values.at(-1) ?? 0)}</b>
        </span>
      ))}
    </figcaption>
  );
}

function dataOf({ times, series }: ChartProps): uPlot.AlignedData {
  return [times.map((time) => time / 1000), ...series.map(({ values }) => [...values])];
}

function optionsOf(element: HTMLElement, latest: { current: ChartProps }): uPlot.Options {
  const { series, format, height = HEIGHT, kind, onPick, onSpan } = latest.current;
  const ink = colorOf(element, "--muted");
  const grid = { stroke: colorOf(element, "--line"), width: 1 };
  const axis = { stroke: ink, grid, ticks: { show: false }, font: "11px system-ui, sans-serif" };
  const canSelect = onSpan !== undefined;
  return {
    width: element.clientWidth || 300,
    height,
    legend: { show: false },
    cursor: {
      y: false,
      points: { show: false },
      drag: { x: canSelect, y: false, setScale: false },
    },
    scales: {
      x: { range: (_plot, min, max) => shownSpan(min, max) },
      y: { range: (_plot, _min, max) => [0, Math.max(max * 1.1, 1)] },
    },
    axes: [
      { ...axis, space: 70, values: (_plot, seconds) => seconds.map(timeLabel) },
      { ...axis, size: 48, values: (_plot, values) => values.map((value) => format(value)) },
    ],
    series: [
      {},
      ...series.map(({ label, color }) => ({
        label,
        stroke: colorOf(element, color),
        width: 1.5,
        points: { show: false },
        ...(kind === "bars"
          ? { paths: uPlot.paths.bars!({ size: [0.85, 40] }), fill: colorOf(element, color) }
          : {}),
      })),
    ],
    hooks: {
      ready: [(plot) => onPick && listenForPick(plot, latest)],
      draw: [(plot) => drawPicked(plot, latest.current, colorOf(element, "--text"))],
      setSelect: [(plot) => announceSpan(plot, latest.current)],
    },
  };
}

/** In seconds; of a chart without values, both ends are null. */
function shownSpan(min: number | null, max: number | null): [number, number] {
  const end = max ?? Date.now() / 1000;
  return [Math.min(min ?? end, end - SPAN_SECONDS_MIN), end];
}

/** The time of day; the date where a day begins. */
function timeLabel(seconds: number): string {
  const [day, time] = formatTime(seconds * 1000).split(" ");
  if (time === "00:00:00") return day!.slice(5);
  return time!.endsWith(":00") ? time!.slice(0, 5) : time!;
}

/** Where the pointer is pressed or dragged, the moment is picked. */
function listenForPick(plot: uPlot, latest: { current: ChartProps }): void {
  const pick = (event: PointerEvent) => {
    const x = event.clientX - plot.over.getBoundingClientRect().left;
    latest.current.onPick?.(Math.round(plot.posToVal(x, "x") * 1000));
  };
  plot.over.addEventListener("pointerdown", (event) => {
    plot.over.setPointerCapture(event.pointerId);
    pick(event);
  });
  plot.over.addEventListener("pointermove", (event) => {
    if (plot.over.hasPointerCapture(event.pointerId)) pick(event);
  });
}

function announceSpan(plot: uPlot, { onSpan }: ChartProps): void {
  const { left, width } = plot.select;
  if (width < 4) return;
  const [begin, end] = [left, left + width].map((x) => Math.round(plot.posToVal(x, "x") * 1000));
  onSpan?.(begin!, end!);
  plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
}

function drawPicked(plot: uPlot, { picked }: ChartProps, color: string): void {
  if (picked === undefined) return;
  const x = plot.valToPos(picked / 1000, "x", true);
  const { left, top, width, height } = plot.bbox;
  if (x < left || x > left + width) return;
  plot.ctx.save();
  plot.ctx.strokeStyle = color;
  plot.ctx.lineWidth = 2;
  plot.ctx.beginPath();
  plot.ctx.moveTo(x, top);
  plot.ctx.lineTo(x, top + height);
  plot.ctx.stroke();
  plot.ctx.restore();
}

/** The colour that a variable of the style sheet has now, as a canvas takes it. */
function colorOf(element: HTMLElement, variable: string): string {
  const probe = document.createElement("span");
  probe.style.color = `var(${variable})`;
  element.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}
