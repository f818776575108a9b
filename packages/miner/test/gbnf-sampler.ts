/* Generates random texts of a grammar in GBNF: what a model that follows it could write. */

type Node =
  | { kind: 'text'; text: string }
  | { kind: 'class'; ranges: [number, number][] }
  | { kind: 'rule'; name: string }
  | { kind: 'repeat'; node: Node; min: number; max: number }
  | { kind: 'sequence'; nodes: Node[] }
  | { kind: 'choice'; nodes: Node[] };

/** @param random returns a number from 0 to 1, such as `Math.random()` */
export function sample(gbnf: string, random: () => number): string {
  const rules = new Map(gbnf.split('\n').map(parseRule));
  const below = (count: number) => Math.min(count - 1, Math.floor(random() * count));

  function write(node: Node, depth: number): string {
    switch (node.kind) {
      case 'text':
        return node.text;
      case 'class': {
        if (node.ranges.length === 0) throw new Error('Nothing is in an empty class');
        const [from, to] = node.ranges[below(node.ranges.length)] ?? [0, 0];
        return String.fromCodePoint(from + below(Math.min(to - from + 1, 100)));
      }
      case 'rule': {
        const rule = rules.get(node.name);
        if (!rule) throw new Error(`There is no rule ${node.name}`);
        return write(rule, depth + 1);
      }
      case 'repeat': {
        const most = Math.min(node.max, node.min + (depth > 60 ? 0 : 3));
        const count =
          random() < 0.1 ? Math.min(node.max, node.min + 20) : node.min + below(most - node.min + 1);
        return Array.from({ length: depth > 60 ? node.min : count }, () => write(node.node, depth + 1)).join(
          '',
        );
      }
      case 'sequence':
        return node.nodes.map(each => write(each, depth + 1)).join('');
      default: {
        // Deep down the first choice ends soonest, as recursive ones come last.
        const chosen = depth > 60 ? 0 : below(node.nodes.length);
        return write(node.nodes[chosen] ?? { kind: 'text', text: '' }, depth + 1);
      }
    }
  }

  return write({ kind: 'rule', name: 'root' }, 0);
}

function parseRule(line: string): [string, Node] {
  const [, name = '', body = ''] = /^(\S+) ::= (.*)$/.exec(line) ?? [];
  const parser = createParser(body);
  const node = parser.choice();
  if (!parser.isAtEnd()) throw new Error(`This is no rule: ${line}`);
  return [name, node];
}

function createParser(text: string) {
  let at = 0;
  const skip = () => {
    while (text[at] === ' ') at++;
  };
  const take = (pattern: RegExp) => {
    const found = new RegExp(pattern.source, 'uy');
    found.lastIndex = at;
    const match = found.exec(text);
    if (match) at = found.lastIndex;
    return match;
  };

  function choice(): Node {
    const nodes = [sequence()];
    for (skip(); text[at] === '|'; skip()) {
      at++;
      nodes.push(sequence());
    }
    return { kind: 'choice', nodes };
  }

  function sequence(): Node {
    const nodes: Node[] = [];
    for (skip(); at < text.length && text[at] !== '|' && text[at] !== ')'; skip()) nodes.push(repetition());
    return { kind: 'sequence', nodes };
  }

  function repetition(): Node {
    let node = item();
    for (let match = take(/[?*+]|\{(\d+)(,?)(\d*)\}/); match; match = take(/[?*+]|\{(\d+)(,?)(\d*)\}/)) {
      const [sign, min = '', comma = '', max = ''] = match;
      if (sign === '?') node = { kind: 'repeat', node, min: 0, max: 1 };
      else if (sign === '*') node = { kind: 'repeat', node, min: 0, max: Infinity };
      else if (sign === '+') node = { kind: 'repeat', node, min: 1, max: Infinity };
      else {
        const most = comma === '' ? Number(min) : max === '' ? Infinity : Number(max);
        node = { kind: 'repeat', node, min: Number(min), max: most };
      }
    }
    return node;
  }

  function item(): Node {
    if (text[at] === '(') {
      at++;
      const node = choice();
      if (text[at++] !== ')') throw new Error(`A group has no end: ${text}`);
      return node;
    }
    if (text[at] === '"') {
      at++;
      let value = '';
      while (text[at] !== '"') value += character();
      at++;
      return { kind: 'text', text: value };
    }
    if (text[at] === '[') return characterClass();
    const name = take(/[a-z0-9-]+/);
    if (!name) throw new Error(`Nothing is known by ${text.slice(at)}`);
    return { kind: 'rule', name: name[0] };
  }

  function characterClass(): Node {
    at++;
    if (text[at] === '^') {
      while (text[at] !== ']') at++;
      at++;
      return { kind: 'class', ranges: [] };
    }
    const ranges: [number, number][] = [];
    while (text[at] !== ']') {
      const from = character().codePointAt(0) ?? 0;
      if (text[at] === '-' && text[at + 1] !== ']') {
        at++;
        ranges.push([from, character().codePointAt(0) ?? 0]);
      } else ranges.push([from, from]);
    }
    at++;
    return { kind: 'class', ranges };
  }

  function character(): string {
    const hex = take(/\\(?:x([0-9a-f]{2})|u([0-9a-f]{4})|U([0-9a-f]{8}))/);
    if (hex) return String.fromCodePoint(Number.parseInt(hex[1] ?? hex[2] ?? hex[3] ?? '', 16));
    const escaped = take(/\\([\\"nrt[\]])/);
    if (escaped) return { n: '\n', r: '\r', t: '\t' }[escaped[1] ?? ''] ?? escaped[1] ?? '';
    return take(/[\s\S]/)?.[0] ?? '';
  }

  return { choice, isAtEnd: () => at === text.length };
}
