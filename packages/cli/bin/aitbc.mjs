#!/usr/bin/env node
if (process.features.typescript) {
  await import('../src/main.ts');
} else {
  console.error(`aitbc needs Node.js 24, or 22.18 and later; this is ${process.version} (${process.execPath}).
In a checkout, run it as \`npx aitbc …\` after \`npm ci\`: that brings a fitting Node.js along.`);
  process.exitCode = 1;
}
