#!/usr/bin/env node
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';

/*
 * The command needs Node.js 24. Any other Node.js that it is started with hands it over to the one that was installed with
 * it. In a checkout it runs from its sources, in the package from what was built of them.
 */
const MAJOR = 24;

if (Number(process.versions.node.split('.')[0]) >= MAJOR) {
  const source = new URL('../src/main.ts', import.meta.url);
  await import(existsSync(source) ? source.href : new URL('../dist/main.js', import.meta.url).href);
} else {
  const node = installedNode();
  if (node) handOver(node);
  else {
    console.error(`aitbc needs Node.js ${MAJOR}; this is ${process.version} (${process.execPath}).
It brings one along where npm installs optional dependencies: \`npm install --include=optional\`. Or run it as
\`npx -p node@${MAJOR} -p aitbc aitbc …\`.`);
    process.exitCode = 1;
  }
}

/** Where the Node.js is that npm has installed for this machine; undefined where it has none. */
function installedNode() {
  const system = process.platform === 'win32' ? 'win' : process.platform;
  const machine = `${system}-${process.arch}`;
  const require = createRequire(import.meta.url);
  for (const name of ['node', `node-${machine}`, `node-bin-${machine}`]) {
    for (const file of ['bin/node', 'bin/node.exe']) {
      try {
        const path = require.resolve(`${name}/${file}`);
        if (require(`${name}/package.json`).version.startsWith(`${MAJOR}.`)) return path;
      } catch {
        // Not installed.
      }
    }
  }
  return undefined;
}

function handOver(node) {
  const child = spawn(node, [...process.execArgv, ...process.argv.slice(1)], { stdio: 'inherit' });
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'];
  // A terminal sends Ctrl-C to both: the command alone decides what it ends.
  for (const signal of signals) process.on(signal, () => signal !== 'SIGINT' && child.kill(signal));
  child.on('error', error => {
    console.error(`aitbc: ${node} can not be started: ${error.message}`);
    process.exitCode = 1;
  });
  child.on('close', (code, signal) => {
    if (signal === null) process.exitCode = code ?? 1;
    else {
      for (const each of signals) process.removeAllListeners(each);
      process.kill(process.pid, signal);
    }
  });
}
