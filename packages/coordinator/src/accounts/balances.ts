import type { WriteContext } from '../store/operation.ts';

/** Credits on their way from one account to another, in micro-credits. Nobody pays for what is granted. */
export interface Transfer {
  payerId: number | null;
  payeeId: number;
  amount: number;
}

/** Moves balances by what the entries say that are written in the same transaction. */
export async function moveCredits(transfers: readonly Transfer[], { tx }: Pick<WriteContext, 'tx'>) {
  const balances = new Map<number, number>();
  const move = (id: number, by: number) => balances.set(id, (balances.get(id) ?? 0) + by);
  for (const { payerId, payeeId, amount } of transfers) {
    if (payerId !== null) move(payerId, -amount);
    move(payeeId, amount);
  }
  const moved = [...balances].filter(([, by]) => by !== 0).map(([id, balance]) => ({ id, balance }));
  await tx.add('account', 'id', moved);
}
