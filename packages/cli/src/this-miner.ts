import { defaultStateFolder, findSigner } from '@aitbc/miner';
import { addressFromPublicKey, type Signer } from '@aitbc/receipts';
import type { AddressDetail, CoordinatorClient } from '@aitbc/sdk';
import type { Io } from './io.ts';

/** Returns the signer of this machine's miner; null when none has run here. */
export const signerOfThisMachine = (io: Io): Promise<Signer | null> =>
  findSigner(io.env.AITBC_MINER_STATE || defaultStateFolder(io.env));

/**
 * Returns the account of this machine's miner when it registers without an API key; null when none has run
 * here.
 */
export async function minerOfThisMachine(client: CoordinatorClient, io: Io): Promise<AddressDetail | null> {
  const signer = await signerOfThisMachine(io);
  return signer && (await client.explorer.address(addressFromPublicKey(signer.keyId)));
}
