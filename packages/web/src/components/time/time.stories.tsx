import { FullTime, Time } from './time.tsx';

const opened = Date.now();

export const Now = () => <Time at={Date.now()} />;
export const ThreeMinutes = () => <Time at={opened - 185_000} />;
export const Old = () => <FullTime at="2026-01-24T15:00:00Z" />;
export const Ahead = () => <Time at={opened + 3_600_000} />;
