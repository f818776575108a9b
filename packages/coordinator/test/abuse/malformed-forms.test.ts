import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { withCoordinator } from '../harness/coordinator.ts';
import { sqlite } from '../harness/engines.ts';

/*
 * The attack: forms that no client makes, so that an upload ends in an error of the coordinator, and its log fills with
 * stack traces.
 */

const LINE = '{"custom_id":"1","method":"POST","url":"/v1/completions","body":{"model":"m","prompt":"x"}}';
const TYPE = 'multipart/form-data; boundary=X';
const PURPOSE = '--X\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nbatch\r\n';
const END = '--X--\r\n';
const part = (disposition: string, text = LINE, more = '') =>
  `--X\r\nContent-Disposition: ${disposition}\r\n${more}\r\n${text}\r\n`;
const FILE = part('form-data; name="file"; filename="a"');
const field = (name: string, text: string) => part(`form-data; name="${name}"`, text);

const lines: string[] = [];
const coordinator = withCoordinator(sqlite, {
  logLevel: 'error',
  logStream: { write: line => lines.push(line) },
});

const send = (body: string, type = TYPE) =>
  coordinator.call('POST', '/v1/files', body, { headers: { 'content-type': type } });

describe('A form that can not be read is the fault of who sent it:', () => {
  test('what is well formed is taken', async () => {
    expect((await send(PURPOSE + FILE + END)).status).toBe(200);
  });

  test.each<[string, string, string?]>([
    [
      'no filename',
      PURPOSE + part('form-data; name="file"', LINE, 'Content-Type: application/octet-stream\r\n') + END,
    ],
    ['cut off', PURPOSE + FILE],
    ['cut off in its headers', `${PURPOSE}--X\r\nContent-Disposition: form-data; name="fi`],
    ['cut off in its end', `${PURPOSE + FILE}--X-`],
    ['line feeds only', (PURPOSE + FILE + END).replaceAll('\r', '')],
    ['two files', PURPOSE + FILE + FILE + END],
    [
      'nine fields',
      'abcdefghi'
        .split('')
        .map(name => field(name, '1'))
        .join('') +
        PURPOSE +
        FILE +
        END,
    ],
    ['a file of another name', PURPOSE + FILE.replace('"file"', '"other"')],
    ['a field named like a prototype', field('__proto__', '1') + PURPOSE + FILE + END],
    [
      'a field of JSON that is none',
      part('form-data; name="x"', '{', 'Content-Type: application/json\r\n') + PURPOSE + FILE + END,
    ],
    [
      'an unknown charset',
      part('form-data; name="purpose"', 'batch', 'Content-Type: text/plain; charset=klingon\r\n') + END,
    ],
    ['headers without an end', `--X\r\n${'x'.repeat(100_000)}`],
    ['parts without a name', part('form-data', '1') + END],
    ['a part without a disposition', `--X\r\n\r\n1\r\n${END}`],
    ['nothing', ''],
    ['only an end', END],
    ['no boundary', PURPOSE + FILE + END, 'multipart/form-data'],
    ['an empty boundary', PURPOSE + FILE + END, 'multipart/form-data; boundary='],
    ['another boundary', PURPOSE + FILE + END, 'multipart/form-data; boundary=Y'],
    ['a very long boundary', PURPOSE + FILE + END, `multipart/form-data; boundary=${'Y'.repeat(500)}`],
    ['a long field', field('purpose', 'x'.repeat(5_000)) + FILE + END],
    [
      'a file that is no UTF-8',
      PURPOSE +
        part(
          'form-data; name="file"; filename="a"',
          'x\ud800'.slice(0, 1),
          'Content-Transfer-Encoding: base64\r\n',
        ) +
        'x',
    ],
  ])('%s', async (_, body, type) => {
    const answer = await send(body, type);
    expect(answer.status).toBe(400);
    expect(answer.body).toMatchObject({ error: { type: 'invalid_request_error' } });
  });

  test('however it is damaged', async () => {
    const whole = PURPOSE + FILE + field('expires_after[seconds]', '3600') + END;
    const damage = fc.record({
      at: fc.nat(whole.length),
      length: fc.nat(12),
      by: fc.string({ maxLength: 8 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(damage, { minLength: 1, maxLength: 3 }), async damages => {
        const body = damages.reduce(
          (text, { at, length, by }) => text.slice(0, at) + by + text.slice(at + length),
          whole,
        );
        expect([200, 400]).toContain((await send(body)).status);
      }),
      { numRuns: Number(process.env.RUNS ?? 150) },
    );
  });

  test('and nothing of it is logged as an error', () => {
    expect(lines).toEqual([]);
  });
});
