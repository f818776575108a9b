/** The paths of the web app. A test compares them with the routes in `packages/web/src/routes.tsx`. */
export const WEB_PATHS = [
  '/',
  '/blocks',
  '/blocks/:id',
  '/transactions',
  '/transactions/:id',
  '/receipts',
  '/receipts/:id',
  '/miners',
  '/miners/:id',
  '/models',
  '/addresses/:id',
  '/search',
  '/verify',
] as const;
