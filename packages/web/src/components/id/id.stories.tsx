import { Id } from './id.tsx';

const HASH = '8e92895d0e0c1c3a2b1f0d9e8c7b6a5958cb8e';

export const Short = () => <Id value={HASH} what="hash" />;
export const Whole = () => <Id value={HASH} what="hash" whole />;
export const Linked = () => <Id value="rcpt-01kc0pq5w8e4z9k3v7t2m6n1rx" what="receipt" to="/receipts/$id" />;
export const Tiny = () => <Id value="gpu-one" what="miner" />;
