import { isCoordinatorError } from '@aitbc/sdk';
import { QueryClient } from '@tanstack/react-query';

declare module '@tanstack/react-query' {
  interface Register {
    /** The query is read again when something new arrives: `fast` for lists of what arrives, `slow` for the rest. */
    queryMeta: { live?: 'fast' | 'slow' | false };
  }
}

/** What the keys of queries for a session's own data begin with. They are forgotten when the session ends. */
export const OWN = 'own';

export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 5_000,
      // The client of the coordinator retries already what may be retried.
      retry: false,
      refetchOnWindowFocus: false,
      // Errors of the coordinator say what is wrong, so a request may go out without a network, too.
      networkMode: 'always',
    },
  },
});

/** Whether the coordinator says that there is no such thing. */
export const isNotFound = (error: unknown) => isCoordinatorError(error) && error.status === 404;
