import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import type { FileObject, FilePage } from '@aitbc/protocol';
import { expect, test } from 'vitest';
import { refusal } from './harness/answers.ts';
import { type TestCoordinator, withCoordinator } from './harness/coordinator.ts';
import { describeEachEngine } from './harness/engines.ts';
import { fileForm, upload } from './harness/scenes.ts';

const HOURS = 3600;
const DAYS = 24 * HOURS;
const KiB = 1024;

/** Letters of several bytes and what databases trip over, in more than one part. */
const TEXT = '\ufeff{"text":"Größe, 大きさ, 🐘, \0, \x1a0"}\r\n'.repeat(15_000);

/** Rows that the store has of files. */
async function rowsOfFiles({ running }: TestCoordinator): Promise<number> {
  const { read } = running.modules.store;
  const files = await read.selectFrom('file').select('id').execute();
  const parts = await read.selectFrom('file_part').select('id').execute();
  return files.length + parts.length;
}

describeEachEngine('files', engine => {
  const coordinator = withCoordinator(engine, { mode: 'keyed', fileLimit: 1, fileDays: 30 });
  const client = async () => ({ key: await coordinator.key('client') });
  const get = <Body>(path: string, options: { key: string }) =>
    coordinator.call<Body>('GET', path, undefined, options);

  async function page(path: string, options: { key: string }) {
    const { body } = await get<FilePage>(path, options);
    return { ids: body.data.map(({ id }) => id), more: body.has_more };
  }

  test('a file comes back as it was uploaded, with what is known of it', async () => {
    const { key } = await client();
    const file = await upload(coordinator, fileForm(TEXT, 'größe 1.jsonl'), key);
    const content = await get<string>(`/v1/files/${file.id}/content`, { key });
    const created_at = coordinator.now() / 1000;
    expect(file).toEqual({
      id: expect.stringMatching(/^file-/),
      object: 'file',
      bytes: Buffer.byteLength(TEXT),
      created_at,
      expires_at: created_at + 30 * DAYS,
      filename: 'größe 1.jsonl',
      purpose: 'batch',
      status: 'processed',
    });
    expect((await get<FileObject>(`/v1/files/${file.id}`, { key })).body).toEqual(file);
    // Reading a text takes a byte order mark away.
    expect(`\ufeff${content.body}` === TEXT).toBe(true);
    expect(content.headers.get('content-disposition')).toBe(
      "attachment; filename*=UTF-8''gr%C3%B6%C3%9Fe%201.jsonl",
    );
  });

  test('files are listed a page at a time, newest first unless asked otherwise', async () => {
    const { key } = await client();
    const ids: string[] = [];
    for (const text of ['a', 'b', 'c']) ids.push((await upload(coordinator, fileForm(text), key)).id);
    const [a, b, c] = ids;
    expect(await page('/v1/files?limit=2', { key })).toEqual({ ids: [c, b], more: true });
    expect(await page(`/v1/files?limit=2&after=${b}`, { key })).toEqual({ ids: [a], more: false });
    expect(await page('/v1/files?limit=10000&order=asc&purpose=batch', { key })).toEqual({
      ids,
      more: false,
    });
    expect(await page('/v1/files?purpose=batch_output', { key })).toEqual({ ids: [], more: false });
  });

  test('a file that was deleted is gone, and in time all of it', async () => {
    const { key } = await client();
    const before = await rowsOfFiles(coordinator);
    const { id } = await upload(coordinator, fileForm(TEXT), key);
    const deleted = await coordinator.call('DELETE', `/v1/files/${id}`, undefined, { key });
    expect(deleted.body).toEqual({ id, object: 'file', deleted: true });
    for (const path of [`/v1/files/${id}`, `/v1/files/${id}/content`])
      expect(refusal(await get(path, { key }))).toEqual([404, 'file_not_found']);
    expect(await page('/v1/files', { key })).toEqual({ ids: [], more: false });
    await coordinator.pass({ seconds: 1 });
    expect(await rowsOfFiles(coordinator)).toBe(before);
  });

  test.each([
    ['is too large', 'x'.repeat(KiB * KiB + 1), [413, 'payload_too_large', 'file']],
    ['is much too large', 'x'.repeat(2 * KiB * KiB), [413, 'payload_too_large', 'file']],
    [
      'is no text',
      Buffer.concat([Buffer.from(TEXT.slice(0, 300_000)), Buffer.of(0xff)]),
      [400, 'invalid_value', 'file'],
    ],
    ['is empty', '', [400, 'invalid_value', 'file']],
  ])('a file that %s is refused, and leaves nothing', async (_, content, expected) => {
    const { key } = await client();
    const before = await rowsOfFiles(coordinator);
    const form = fileForm('');
    form.set('file', new File([content], 'requests.jsonl'));
    const answer = await coordinator.call('POST', '/v1/files', form, { key });
    await coordinator.pass({ seconds: 1 });
    expect([refusal(answer), await rowsOfFiles(coordinator)]).toEqual([expected, before]);
  });

  test.each([
    ['purpose', 'fine-tune', [400, 'unsupported_value', 'purpose']],
    ['purpose', undefined, [400, 'missing_required_parameter', 'purpose']],
    ['file', undefined, [400, 'missing_required_parameter', 'file']],
    ['file', 'no file', [400, 'missing_required_parameter', 'file']],
    ['expires_after[seconds]', '60', [400, 'invalid_value', 'expires_after[seconds]']],
  ])('a form with the %s %s is refused', async (field, value, expected) => {
    const form = fileForm('{}');
    form.delete(field);
    // Behind the file, where it is known too late.
    if (value !== undefined) form.append(field, value);
    const answer = await coordinator.call('POST', '/v1/files', form, await client());
    expect(refusal(answer)).toEqual(expected);
  });

  test('a form with a field that is not known is refused, which may be a mistyped one', async () => {
    const form = fileForm('{}');
    form.append('expires_after', '3600');
    const answer = await coordinator.call('POST', '/v1/files', form, await client());
    expect(refusal(answer)).toEqual([400, 'unsupported_parameter', 'expires_after']);
  });

  test('a body that is no form is refused', async () => {
    const answer = await coordinator.call('POST', '/v1/files', { purpose: 'batch' }, await client());
    expect(refusal(answer)).toEqual([400, 'invalid_type', 'file']);
  });

  test('what is asked of a list is checked', async () => {
    const answers = [
      await get('/v1/files?limit=0', await client()),
      await get('/v1/files?order=up', await client()),
      await get('/v1/files?purpose=evals', await client()),
    ];
    expect(answers.map(refusal)).toEqual([
      [400, 'invalid_value', 'limit'],
      [400, 'invalid_value', 'order'],
      [400, 'invalid_value', 'purpose'],
    ]);
  });

  test('a file is erased at its age, or sooner where its owner says so', async () => {
    const { key } = await client();
    const form = fileForm('{}');
    form.append('expires_after[anchor]', 'created_at');
    form.append('expires_after[seconds]', String(DAYS));
    const short = await upload(coordinator, form, key);
    const long = await upload(coordinator, fileForm('{}'), key);
    await coordinator.pass({ seconds: DAYS });
    expect(await page('/v1/files', { key })).toEqual({ ids: [long.id], more: false });
    await coordinator.pass({ seconds: 29 * DAYS });
    expect(await page('/v1/files', { key })).toEqual({ ids: [], more: false });
    expect(refusal(await get(`/v1/files/${short.id}`, { key }))).toEqual([404, 'file_not_found']);
  });

  /** Begins an upload that does not say how long it is. */
  function beginUpload(key: string, text: string) {
    const boundary = 'boundary';
    const head = `--${boundary}\r\ncontent-disposition: form-data; name="file"; filename="a"\r\n\r\n`;
    const begun = request(new URL('/v1/files', coordinator.url), {
      method: 'POST',
      headers: { 'x-api-key': key, 'content-type': `multipart/form-data; boundary=${boundary}` },
    });
    // What became of it is asked of the coordinator.
    begun.on('error', () => {});
    begun.write(head + text);
    return begun;
  }

  test('an upload that gets too large is refused before its end', async () => {
    const { key } = await client();
    const upload = beginUpload(key, 'x'.repeat(2 * KiB * KiB));
    const [{ statusCode }] = (await once(upload, 'response')) as [IncomingMessage];
    upload.destroy();
    expect(statusCode).toBe(413);
  });

  test('an upload that breaks off is shown to nobody, and leaves nothing', async () => {
    const { key } = await client();
    await coordinator.pass({ seconds: 1 });
    const before = await rowsOfFiles(coordinator);
    const upload = beginUpload(key, 'x'.repeat(700 * KiB));
    await expect.poll(() => rowsOfFiles(coordinator)).toBeGreaterThan(before);
    expect(await page('/v1/files', { key })).toEqual({ ids: [], more: false });
    upload.destroy();
    await expect
      .poll(async () => {
        await coordinator.pass({ seconds: 1 });
        return await rowsOfFiles(coordinator);
      })
      .toBe(before);
  });

  test('an upload of which no more comes is given up', async () => {
    const { key } = await client();
    await coordinator.pass({ seconds: 1 });
    const before = await rowsOfFiles(coordinator);
    const upload = beginUpload(key, 'x'.repeat(700 * KiB));
    await expect.poll(() => rowsOfFiles(coordinator)).toBeGreaterThan(before);
    await coordinator.pass({ seconds: HOURS });
    expect(await rowsOfFiles(coordinator)).toBe(before);
    upload.destroy();
  });
});
