import 'uplot/dist/uPlot.min.css';
import { useEffect, useRef, useState } from 'react';
import uPlot from 'uplot';
import { THEME_CHANGED } from '../../app/theme/theme.ts';
import styles from './chart.module.css';

export interface Series {
  name: string;
  values: readonly number[];
  /** `accent` for what went well, `alarm` for what failed, `quiet` for the rest. */
  tone: 'accent' | 'alarm' | 'quiet';
  /** How a line is drawn, so that lines can be told apart without colours. */
  dash?: readonly number[];
}

interface ChartProps {
  /** What the chart shows, for readers of screens. */
  label: string;
  /** In ms since the epoch, ascending. */
  times: readonly number[];
  series: readonly Series[];
  format: (value: number) => string;
  formatTime: (at: number) => string;
  bars?: boolean;
  /** Whether each value is marked, for series with few of them. */
  points?: boolean;
  height?: number;
}

/** Series over time, with the values under the pointer, and a table of them for those who don't see it. */
export function Chart(props: ChartProps) {
  const { label, times, series, format, formatTime, height = 150 } = props;
  const [index, setIndex] = useState<number>();
  const holder = usePlot(props, setIndex);
  const at = index ?? times.length - 1;
  return (
    <figure className={styles.chart}>
      <figcaption className={styles.legend}>
        <span className="visually-hidden">{label}</span>
        {series.map(({ name, values, tone, dash }) => (
          <span key={name} className={styles.key}>
            <svg width="14" height="8" aria-hidden="true" className={styles[tone]}>
              <line x1="0" x2="14" y1="4" y2="4" strokeDasharray={dash?.join(' ')} />
            </svg>
            {name}
            <strong>{values[at] === undefined ? '–' : format(values[at])}</strong>
          </span>
        ))}
        <span className={styles.at}>
          {index === undefined || times[at] === undefined ? '' : formatTime(times[at])}
        </span>
      </figcaption>
      <div ref={holder} className={styles.plot} style={{ height }} aria-hidden="true" />
      <details className={styles.table}>
        <summary>Table</summary>
        <ChartTable {...props} />
      </details>
    </figure>
  );
}

const MAX_TABLE_ROWS = 30;
const DAY_SECONDS = 86_400;

function ChartTable({ label, times, series, format, formatTime }: ChartProps) {
  const step = Math.max(1, Math.ceil(times.length / MAX_TABLE_ROWS));
  const shown = times.map((_, index) => index).filter(index => (times.length - 1 - index) % step === 0);
  return (
    <table>
      <caption className="visually-hidden">{label}</caption>
      <thead>
        <tr>
          <th scope="col">Time</th>
          {series.map(({ name }) => (
            <th key={name} scope="col">
              {name}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {shown.reverse().map(index => (
          <tr key={times[index]}>
            <th scope="row">{formatTime(times[index] ?? 0)}</th>
            {series.map(({ name, values }) => (
              <td key={name}>{format(values[index] ?? 0)}</td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** Draws into the element of the returned ref, and again when its width or the colours change. */
function usePlot(
  { times, series, format, formatTime, bars, points = false, height = 150 }: ChartProps,
  onPoint: (index?: number) => void,
) {
  const holder = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot>(undefined);
  const data = useRef<uPlot.AlignedData>([[]]);
  data.current = [times.map(time => time / 1000), ...series.map(({ values }) => [...values])];
  const shape = series.map(({ name, tone }) => `${name} ${tone}`).join();
  const drawing = useRef({ series, format, formatTime });
  drawing.current = { series, format, formatTime };

  useEffect(() => {
    const element = holder.current;
    if (!element) return;
    const draw = () => {
      plot.current?.destroy();
      const options = optionsFor(element, drawing.current, { bars: bars ?? false, points, height, onPoint });
      plot.current = new uPlot(options, data.current, element);
    };
    draw();
    const observer = new ResizeObserver(() => plot.current?.setSize({ width: element.clientWidth, height }));
    observer.observe(element);
    addEventListener(THEME_CHANGED, draw);
    return () => {
      removeEventListener(THEME_CHANGED, draw);
      observer.disconnect();
      plot.current?.destroy();
      plot.current = undefined;
    };
  }, [shape, bars, points, height]);

  useEffect(() => plot.current?.setData(data.current));
  return holder;
}

function optionsFor(
  element: HTMLElement,
  { series, format, formatTime }: Pick<ChartProps, 'series' | 'format' | 'formatTime'>,
  {
    bars,
    points,
    height,
    onPoint,
  }: { bars: boolean; points: boolean; height: number; onPoint: (index?: number) => void },
): uPlot.Options {
  const style = getComputedStyle(element);
  const color = (name: string) => style.getPropertyValue(`--${name}`).trim();
  const tones = { accent: color('accent'), alarm: color('alarm'), quiet: color('faint') };
  const axis = { stroke: color('muted'), font: `11px ${color('font')}`, ticks: { show: false } };
  const grid = { stroke: color('line'), width: 1 };
  return {
    width: element.clientWidth,
    height,
    // Labels of days are wider than those of times.
    padding: [8, bars || points ? 32 : 8, 0, 0],
    legend: { show: false },
    cursor: { y: false, points: { size: 6 }, drag: { x: false, y: false } },
    // Days are those of UTC.
    ...((bars || points) && { tzDate: seconds => uPlot.tzDate(new Date(seconds * 1000), 'UTC') }),
    scales: {
      y: { range: (_, least, most) => rangeOf(least, most) },
      ...(bars && { x: { range: (plot, first, last) => withRoomForBars(plot.data[0], first, last) } }),
    },
    axes: [
      {
        ...axis,
        grid: { show: false },
        size: 24,
        space: 80,
        values: (_, ticks) => ticks.map(tick => formatTime(tick * 1000)),
      },
      { ...axis, grid, size: 44, space: 36, values: (_, ticks) => ticks.map(format) },
    ],
    series: [
      {},
      ...series.map(({ tone, dash }) => ({
        stroke: tones[tone],
        width: bars ? 0 : 1.5,
        points: { show: points, size: 5 },
        ...(dash && { dash: [...dash] }),
        ...(bars && { fill: tones[tone], ...barPaths() }),
      })),
    ],
    hooks: { setCursor: [({ cursor }) => onPoint(cursor.idx ?? undefined)] },
  };
}

/** Series begin at 0, unless they go below it. */
function rangeOf(least: number, most: number): [number, number] {
  const [low, high] = [Math.min(least * 1.1, 0), Math.max(most * 1.1, 0)];
  return low === high ? [0, 1] : [low, high];
}

/** Bars are as wide as the times between them, and the first and the last stand at the edges. */
function withRoomForBars(times: ArrayLike<number>, first: number, last: number): [number, number] {
  const half = ((times[1] ?? DAY_SECONDS) - (times[0] ?? 0)) / 2;
  return times.length < 2 ? [first - DAY_SECONDS, last + DAY_SECONDS] : [first - half, last + half];
}

function barPaths(): Pick<uPlot.Series, 'paths'> {
  const paths = uPlot.paths.bars?.({ size: [0.72, 40], radius: 0.15 });
  return paths ? { paths } : {};
}
