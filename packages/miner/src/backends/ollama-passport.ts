import type { PassportStatement } from '@aitbc/protocol';
import { digestOfText, statement } from '../passports.ts';
import { SAMPLER_NAMES, samplerFrom } from '../sampling.ts';

/** The defaults in Ollama's description of a Modelfile. A model's own parameters override them. */
const DEFAULTS = {
  ...{ temperature: 0.8, top_k: 40, top_p: 0.9, min_p: 0 },
  ...{ repeat_penalty: 1.1, presence_penalty: 0, frequency_penalty: 0 },
};

/** Returns what the answer of `POST /api/show` says about a model for its passport. */
export function passportIn({
  modelfile,
  template,
  details,
  parameters,
}: Record<string, unknown>): PassportStatement {
  // A file that Ollama keeps is named after its hash.
  const [, hash] = /^FROM\s.*\bsha256[-:]([0-9a-f]{64})\s*$/m.exec(`${modelfile}`) ?? [];
  const { quantization_level: quantization } = Object(details);
  return statement('engine', {
    weights: hash === undefined ? undefined : `sha256:${hash}`,
    quantization: typeof quantization === 'string' ? quantization : undefined,
    chat_template: typeof template === 'string' && template !== '' ? digestOfText(template) : undefined,
    sampler: samplerFrom({ ...DEFAULTS, ...parametersIn(`${parameters ?? ''}`) }),
  });
}

/** Reads lines such as `temperature 0.7`. */
function parametersIn(text: string): Record<string, number> {
  const lines = SAMPLER_NAMES.flatMap(name => {
    const [, value] = new RegExp(`^\\s*${name}\\s+"?(-?[\\d.]+)"?\\s*$`, 'm').exec(text) ?? [];
    return value === undefined ? [] : [[name, Number(value)] as const];
  });
  return Object.fromEntries(lines);
}
