import type { RatePoint } from '@aitbc/sdk';
import { Chart } from '../../components/chart/chart.tsx';
import { Panel } from '../../components/panel/panel.tsx';
import { formatRate } from '../../format/numbers.ts';
import { formatClock } from '../../format/time.ts';

interface RatesProps {
  rates: readonly RatePoint[];
}

const timesOf = (rates: readonly RatePoint[]) => rates.map(({ time }) => Date.parse(time));

export const JobsChart = ({ rates }: RatesProps) => (
  <Panel title="Jobs per second" aside="last 5 min">
    <Chart
      label="Jobs per second by outcome over the last five minutes"
      times={timesOf(rates)}
      series={[
        { name: 'Completed', tone: 'accent', values: rates.map(({ completed }) => completed) },
        { name: 'Failed', tone: 'alarm', values: rates.map(({ failed }) => failed) },
        { name: 'Cancelled', tone: 'quiet', values: rates.map(({ cancelled }) => cancelled), dash: [3, 3] },
      ]}
      format={formatRate}
      formatTime={formatClock}
    />
  </Panel>
);

export const TokensChart = ({ rates }: RatesProps) => (
  <Panel title="Tokens per second" aside="last 5 min">
    <Chart
      label="Tokens of answers per second over the last five minutes"
      times={timesOf(rates)}
      series={[{ name: 'Tokens', tone: 'accent', values: rates.map(({ tokens }) => tokens) }]}
      format={formatRate}
      formatTime={formatClock}
    />
  </Panel>
);
