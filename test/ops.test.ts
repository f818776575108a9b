import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { SyntaxNode } from '@lezer/common';
import { parser } from '@prometheus-io/lezer-promql';
import { collectDefaultMetrics, Registry } from 'prom-client';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { METRICS, type MetricDescription } from '../packages/coordinator/src/metrics/catalogue.ts';
import { requirement } from './requirement.ts';

const OPS = join(import.meta.dirname, '../ops');
const read = (file: string) => readFileSync(join(OPS, file), 'utf8');

interface Rules {
  groups: { rules: { alert: string; expr: string; annotations: Record<string, string> }[] }[];
}

interface Dashboard {
  panels: { title: string; description?: string; targets?: { expr: string; legendFormat: string }[] }[];
}

const rules = (parse(read('prometheus/alerts.yml')) as Rules).groups.flatMap(group => group.rules);
const dashboard = JSON.parse(read('grafana/dashboard.json')) as Dashboard;
const panels = dashboard.panels.filter(panel => panel.targets);

/** Labels that Prometheus adds to every series. */
const OF_PROMETHEUS = ['job', 'instance'];

/** The labels of each series by its name: those of the catalogue, and those of the process. */
function knownSeries(): Map<string, readonly string[]> {
  const series = new Map<string, readonly string[]>([['up', []]]);
  for (const { name, kind, labels } of Object.values<MetricDescription>(METRICS)) {
    if (kind !== 'histogram') series.set(name, labels);
    else {
      series.set(`${name}_bucket`, [...labels, 'le']);
      for (const suffix of ['sum', 'count']) series.set(`${name}_${suffix}`, labels);
    }
  }
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  for (const { name } of registry.getMetricsAsArray()) series.set(name, []);
  return series;
}

const SERIES = knownSeries();

/**
 * What is wrong with an expression of PromQL: its syntax, a series or label that no coordinator has, or a label that the
 * text shows and the result lacks.
 */
function faultsOf(expression: string, shown: readonly string[] = []): string[] {
  const text = expression.replaceAll('$__rate_interval', '5m');
  const faults: string[] = [];
  const labels = new Set<string>();
  const allowed = new Set(OF_PROMETHEUS);
  const textOf = (node: { from: number; to: number }) => text.slice(node.from, node.to);
  parser.parse(text).iterate({
    enter({ type, name, node }: { type: { isError: boolean }; name: string; node: SyntaxNode }) {
      if (type.isError) faults.push(`syntax at ${node.from}`);
      if (name === 'Identifier' && node.parent?.name === 'VectorSelector') {
        const series = SERIES.get(textOf(node));
        if (!series) faults.push(`unknown series ${textOf(node)}`);
        for (const label of series ?? []) allowed.add(label);
      }
      if (name === 'LabelName') labels.add(textOf(node));
    },
  });
  for (const label of labels) if (!allowed.has(label)) faults.push(`unknown label ${label}`);
  const isAggregated = /\b(sum|max|min|avg)\b/.test(text);
  for (const label of shown)
    if (!(isAggregated ? labels : allowed).has(label)) faults.push(`no label ${label} to show`);
  return faults;
}

/** Names of labels in a text for people: `{{model}}`, `{{ $labels.model }}`. */
const labelsIn = (text: string) =>
  Array.from(text.matchAll(/{{\s*(?:\$labels\.)?(\w+)\s*}}/g), ([, name = '']) => name);

test.each([
  ['aitbc_no_such_metric', ['unknown series aitbc_no_such_metric']],
  ['sum by (nothing) (aitbc_miners)', ['unknown label nothing']],
  ['sum(aitbc_miners', ['syntax at 16']],
  ['sum by (state) (rate(aitbc_jobs_ended_total{status="failed"}[5m]))', ['unknown label state']],
])('finds what is wrong with %s', (expression, faults) => {
  expect(faultsOf(expression)).toEqual(faults);
});

describe('the rules for alerts', () => {
  test.each(rules.map(rule => [rule.alert, rule] as const))(
    '%s asks for what coordinators have',
    (_, rule) => {
      expect(faultsOf(rule.expr, Object.values(rule.annotations).flatMap(labelsIn))).toEqual([]);
      expect(rule.annotations.summary).toBeTruthy();
    },
  );

  test('fire when they should', { timeout: 60_000 }, async context => {
    const promtool = (...args: string[]) =>
      promisify(execFile)('promtool', args, { cwd: join(OPS, 'prometheus') });
    const isThere = await promtool('--version').then(
      () => true,
      () => false,
    );
    requirement(context, isThere, 'promtool is not installed');
    await promtool('check', 'config', 'prometheus.yml');
    const { stdout } = await promtool('test', 'rules', 'alerts.test.yml');
    expect(stdout).toContain('SUCCESS');
  });
});

describe('the dashboard', () => {
  test.each(panels.map(panel => [panel.title, panel] as const))(
    '%s asks for what coordinators have',
    (_, panel) => {
      expect(panel.description).toBeTruthy();
      for (const { expr, legendFormat } of panel.targets ?? [])
        expect(faultsOf(expr, labelsIn(legendFormat)), expr).toEqual([]);
    },
  );

  test('shows every metric of jobs, miners, requests and the ledger', () => {
    const shown = panels
      .flatMap(panel => panel.targets ?? [])
      .map(({ expr }) => expr)
      .join('\n');
    const hidden = Object.values(METRICS).filter(({ name }) => !shown.includes(name));
    expect(hidden.map(({ name }) => name)).toEqual([
      'aitbc_build_info',
      'aitbc_component_ready',
      'aitbc_scrape_collector_failed',
      'aitbc_store_errors_total',
      'aitbc_ledger_conflict',
    ]);
  });
});
