import { formatDay } from '../../format/time.ts';
import { Chart } from './chart.tsx';

const DAY = 86_400_000;
const FIRST = Date.UTC(2026, 0, 1);
const TIMES = Array.from({ length: 7 }, (_, index) => FIRST + index * DAY);

const plain = { label: 'Jobs by day', times: TIMES, format: String, formatTime: formatDay };

export const Bars = () => (
  <Chart {...plain} series={[{ name: 'Jobs', tone: 'accent', values: [10, 1, 2, 3, 4, 5, 10] }]} bars />
);

export const Lines = () => (
  <Chart
    {...plain}
    series={[
      { name: 'Jobs', tone: 'accent', values: [1, 2, 3, 4, 5, 6, 7] },
      { name: 'Failed', tone: 'alarm', values: [0, 0, 1, 0, 2, 0, 0], dash: [3, 3] },
    ]}
    points
  />
);

export const OneDay = () => (
  <Chart {...plain} times={[FIRST]} series={[{ name: 'Jobs', tone: 'accent', values: [3] }]} bars />
);
