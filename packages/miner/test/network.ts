import { CoordinatorClient } from '@aitbc/sdk';

type Send = () => Promise<Response>;

/** Returns a client whose answers from a path go through `pass`. */
export function clientOver(url: string, path: RegExp, pass: (send: Send) => Promise<Response>) {
  return new CoordinatorClient(url, {
    fetch: (input, init) => {
      const send = () => fetch(input, init);
      return path.test(String(input)) ? pass(send) : send();
    },
  });
}

/** Returns the whole answer, which a broken connection can no longer affect. */
export async function received(response: Response): Promise<Response> {
  return new Response(await response.text(), response);
}
