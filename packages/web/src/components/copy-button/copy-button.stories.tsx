import { CopyButton } from './copy-button.tsx';

export const Hash = () => <CopyButton text="3b1f-whole-9c02" what="hash" />;
