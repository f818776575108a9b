import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished, vi } from 'vitest';

export interface ReceivedSpan {
  name: string;
  service: string;
  traceId: string;
  spanId: string;
  parentSpanId: string | undefined;
  /** ms since the epoch. */
  start: number;
  end: number;
  attributes: Record<string, unknown>;
  failed: boolean;
}

/** Starts a receiver of traces in OTLP's JSON format, for exports of this process. Nothing is batched for long. */
export async function receiveTraces(answer = (response: ServerResponse) => void response.end('{}')) {
  vi.stubEnv('OTEL_EXPORTER_OTLP_PROTOCOL', 'http/json');
  vi.stubEnv('OTEL_BSP_SCHEDULE_DELAY', '10');
  const spans: ReceivedSpan[] = [];
  const texts: string[] = [];
  const looks = new Set<() => void>();
  const server = createServer(async (request, response) => {
    const text = Buffer.concat(await Array.fromAsync(request)).toString();
    texts.push(text);
    spans.push(...spansIn(JSON.parse(text)));
    for (const look of looks) look();
    answer(response);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
    vi.unstubAllEnvs();
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans,
    /** Everything that was received, as JSON. */
    text: () => texts.join('\n'),
    /** Resolves with the spans once those of all names are there. */
    async until(...names: readonly string[]): Promise<ReceivedSpan[]> {
      await new Promise<void>(resolve => {
        const look = () => {
          if (!names.every(name => spans.some(span => span.name === name))) return;
          looks.delete(look);
          resolve();
        };
        looks.add(look);
        look();
      });
      return spans;
    },
  };
}

interface Value {
  stringValue?: string;
  intValue?: number | string;
  boolValue?: boolean;
  arrayValue?: { values: Value[] };
}

const plain = ({ stringValue, intValue, boolValue, arrayValue }: Value): unknown =>
  stringValue ?? boolValue ?? arrayValue?.values.map(plain) ?? Number(intValue);

const attributesOf = (list: { key: string; value: Value }[]) =>
  Object.fromEntries(list.map(({ key, value }) => [key, plain(value)]));

// biome-ignore lint/suspicious/noExplicitAny: the format is not described in TypeScript.
const spansIn = (body: any): ReceivedSpan[] =>
  // biome-ignore lint/suspicious/noExplicitAny: as above.
  body.resourceSpans.flatMap(({ resource, scopeSpans }: any) =>
    // biome-ignore lint/suspicious/noExplicitAny: as above.
    scopeSpans.flatMap(({ spans }: any) =>
      // biome-ignore lint/suspicious/noExplicitAny: as above.
      spans.map((span: any) => ({
        name: span.name,
        service: attributesOf(resource.attributes)['service.name'],
        traceId: span.traceId,
        spanId: span.spanId,
        parentSpanId: span.parentSpanId || undefined,
        start: Number(BigInt(span.startTimeUnixNano) / 1_000_000n),
        end: Number(BigInt(span.endTimeUnixNano) / 1_000_000n),
        attributes: attributesOf(span.attributes),
        failed: span.status.code === 2,
      })),
    ),
  );
