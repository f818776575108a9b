/** A GPU as its maker's tool reports it. */
export interface Gpu {
  name: string;
  /** Its memory in MiB. Absent when the tool does not report it. */
  mib?: number;
  /** The GPU uses the memory of the machine. */
  isShared?: boolean;
  driver?: string;
  /** Its index among all GPUs of the machine. */
  index?: number;
  uuid?: string;
}

/** Chips without memory of their own: small Grace Blackwell ones and NVIDIA's boards. */
const NVIDIA_SHARED = /\b(GB10|N1X?|Thor|Orin|Xavier|Tegra|Jetson)\b/i;

/** What `nvidia-smi` prints for memory that it does not know. */
const NOT_TOLD = /^\[?(N\/A|Not Supported)\]?$/i;

/**
 * Parses one line for each GPU: `NVIDIA GeForce RTX 4090, 24564, 550.54.14, 0,
 * GPU-8932f937-d72c-4106-c12f-20bd9faed9f6`. Lines of any other form are error messages and are ignored.
 */
export function parseNvidiaSmi(csv: string): Gpu[] {
  return csv.split(/\r?\n/).flatMap(line => {
    const [name = '', memory = '', driver = '', index = '', uuid = ''] = line
      .split(',')
      .map(cell => cell.trim());
    const isTold = /^\d+( MiB)?$/.test(memory) && Number.parseInt(memory, 10) > 0;
    if (!isName(name) || !/^\d+(\.\d+)+$/.test(driver) || !(isTold || NOT_TOLD.test(memory))) return [];
    const isShared = !isTold && NVIDIA_SHARED.test(name);
    return {
      name,
      ...(isTold && { mib: Number.parseInt(memory, 10) }),
      ...(isShared && { isShared }),
      driver,
      ...(/^\d+$/.test(index) && { index: Number(index) }),
      ...(uuid !== '' && { uuid }),
    };
  });
}

/** AMD's processors whose graphics run models in the memory of the machine. */
const AMD_SHARED = /\b(8060S|8050S|8040S|890M|880M|780M|Strix|MI300A)\b/i;

/**
 * Such a processor may reserve less than this for its graphics, which use more of the machine's memory as
 * needed.
 */
const CARVED_OUT_MIB = 4_096;

/**
 * Parses a list of `{gpu, asic: {market_name}, vram: {size: {value, unit}}}`, which newer versions put into
 * `gpu_data`.
 */
export function parseAmdSmi(output: string): Gpu[] {
  const told = jsonIn(output);
  const list: unknown = Array.isArray(told) ? told : Object(told).gpu_data;
  if (!Array.isArray(list)) return [];
  return list.flatMap(entry => {
    const { gpu, asic, board, vram, driver } = Object(entry);
    const name = [Object(asic).market_name, Object(board).product_name].find(isName);
    if (name === undefined) return [];
    const mib = sizeIn(Object(vram).size ?? Object(vram).vram_size);
    const { version } = Object(driver);
    return {
      name,
      ...(mib !== undefined && { mib }),
      ...(AMD_SHARED.test(name) && (mib ?? 0) < CARVED_OUT_MIB && { isShared: true }),
      ...(typeof version === 'string' && isName(version) && { driver: version }),
      ...(Number.isInteger(gpu) && { index: gpu }),
    };
  });
}

/**
 * Parses `{card0: {"Card Series": …, "VRAM Total Memory (B)": "21458059264"}, system: {"Driver version":
 * …}}`.
 */
export function parseRocmSmi(output: string): Gpu[] {
  const told = Object.entries(Object(jsonIn(output)));
  const system = told.find(([name]) => name === 'system')?.[1];
  const driver = Object(system)['Driver version'];
  return told.flatMap(([card, value]) => {
    const index = /^card(\d+)$/.exec(card)?.[1];
    if (index === undefined) return [];
    const fields = new Map(Object.entries(Object(value)).map(([key, field]) => [key.toLowerCase(), field]));
    const name = ['card series', 'device name', 'card model'].map(key => fields.get(key)).find(isName);
    const vram = bytes(fields.get('vram total memory (b)'));
    if (vram === undefined && name === undefined) return [];
    return {
      name: name ?? 'AMD GPU',
      ...(vram !== undefined && { mib: vram }),
      ...(AMD_SHARED.test(name ?? '') && (vram ?? 0) < CARVED_OUT_MIB && { isShared: true }),
      ...(typeof driver === 'string' && isName(driver) && { driver }),
      index: Number(index),
    };
  });
}

/**
 * Parses `{SPDisplaysDataType: [{sppci_model: "Apple M2 Pro"}]}`. Apple's GPUs use the memory of the machine.
 */
export function parseSystemProfiler(output: string): Gpu[] {
  const list: unknown = Object(jsonIn(output)).SPDisplaysDataType;
  if (!Array.isArray(list)) return [];
  return list.flatMap(entry => {
    const { sppci_model: name, spdisplays_vram } = Object(entry);
    if (!isName(name)) return [];
    if (name.startsWith('Apple')) return { name, isShared: true };
    const mib = sizeIn(spdisplays_vram);
    // Intel processors' graphics report no memory, and run no models.
    return mib === undefined ? [] : { name, mib };
  });
}

/** Whether a value is a name, rather than empty, an id such as `0x744c` or a placeholder. */
function isName(value: unknown): value is string {
  if (typeof value !== 'string' || value.trim() === '' || value.length > 128) return false;
  return !/^(\[.*\]|N\/A|ERR!?|unknown|0x[0-9a-f]+)$/i.test(value.trim()) && !ERROR.test(value);
}

const ERROR = /\b(error|failed|failure|unable|not found|couldn't|could not|cannot|is lost|has failed)\b/i;

const MIB_PER_UNIT: Record<string, number> = { k: 1 / 1024, m: 1, g: 1024, t: 1024 ** 2 };

/** Returns MiB from `{value: 16368, unit: "MB"}`, `"4 GB"` or a number of MiB. */
function sizeIn(size: unknown): number | undefined {
  const { value, unit } = Object(size);
  const text = value === undefined ? `${size}` : `${value} ${unit ?? ''}`;
  const [, amount, prefix = 'm'] = /^\s*(\d+(?:\.\d+)?)\s*([kmgt])?(?:i?b)?\s*$/i.exec(text) ?? [];
  const mib = Math.round(Number(amount) * (MIB_PER_UNIT[prefix.toLowerCase()] ?? 1));
  return mib > 0 ? mib : undefined;
}

/** Converts bytes to MiB. */
function bytes(value: unknown): number | undefined {
  const mib = /^\d+$/.test(`${value}`) ? Math.round(Number(value) / 1024 ** 2) : 0;
  return mib > 0 ? mib : undefined;
}

/** Parses the JSON in an output that may have warnings before and after it. */
function jsonIn(output: string): unknown {
  const lines = output.split('\n');
  const start = lines.findIndex(line => /^\s*[[{]/.test(line));
  for (let end = lines.length; start >= 0 && end > start; end--) {
    try {
      return JSON.parse(lines.slice(start, end).join('\n'));
    } catch {}
  }
  return undefined;
}
