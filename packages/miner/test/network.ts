import { CoordinatorClient } from '@aitbc/sdk';

type Send = () => Promise<Response>;

/** A client on a network that does something of its own to the answers of a path. */
export function clientOver(url: string, path: RegExp, pass: (send: Send) => Promise<Response>) {
  return new CoordinatorClient(url, {
    fetch: (input, init) => {
      const send = () => fetch(input, init);
      return path.test(String(input)) ? pass(send) : send();
    },
  });
}

/** The whole answer, which nothing can take back any more. */
export async function received(response: Response): Promise<Response> {
  return new Response(await response.text(), response);
}
