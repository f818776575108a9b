/** The paths of the web app. A test compares them with the routes in `packages/web/src/routes.tsx`. */
export const WEB_PATHS = [
  '/',
  '/blocks',
  '/blocks/:id',
  '/transactions',
  '/transactions/:id',
  '/addresses/:id',
  '/search',
] as const;
