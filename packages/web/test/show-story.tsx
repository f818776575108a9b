import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import {
  createMemoryHistory,
  createRootRoute,
  createRouter,
  RouterProvider,
  useRouterState,
} from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { createRoot, type Root } from 'react-dom/client';

type Stories = Readonly<Record<string, () => ReactNode>>;

/** Returns a function that shows a story. Links in it lead to addresses that are written below it. */
export function createShow(files: Readonly<Record<string, Stories>>) {
  let shown: Root | undefined;
  return async (file: string, name: string): Promise<void> => {
    const Story = files[file]?.[name];
    const element = document.getElementById('story');
    if (!Story || !element) throw new Error(`${file} has no story ${name}`);
    shown?.unmount();
    const root = createRootRoute({
      component: () => (
        <>
          <Story />
          <Address />
        </>
      ),
      notFoundComponent: () => null,
    });
    const router = createRouter({
      routeTree: root,
      history: createMemoryHistory({ initialEntries: ['/'] }),
      parseSearch: text => Object.fromEntries(new URLSearchParams(text)),
    });
    await router.load();
    shown = createRoot(element);
    shown.render(
      <QueryClientProvider client={new QueryClient()}>
        <RouterProvider router={router as never} />
      </QueryClientProvider>,
    );
  };
}

function Address() {
  const href = useRouterState({ select: state => state.location.href });
  return <output aria-label="Address">{href}</output>;
}
