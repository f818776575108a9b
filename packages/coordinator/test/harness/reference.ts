import type { TestCoordinator } from './coordinator.ts';

/** What /openapi.json says of a route. */
export interface Operation {
  operationId: string;
  summary?: string;
  tags?: string[];
  security?: Record<string, string[]>[];
  parameters?: { in: string; name: string; required?: boolean; schema: object }[];
  requestBody?: { content: Record<string, { schema: object }> };
  responses: Record<string, { description: string; content?: Record<string, { schema: object }> }>;
}

export interface Reference {
  openapi: string;
  servers: { url: string }[];
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, object>; securitySchemes: Record<string, object> };
}

export async function readReference(coordinator: TestCoordinator): Promise<Reference> {
  return (await coordinator.call<Reference>('GET', '/openapi.json')).body;
}

/** Every route by its name: `POST /v1/jobs/{id}/claim`. */
export function routesOf({ paths }: Reference): Map<string, Operation> {
  const routes = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(
      ([method, operation]) => [`${method.toUpperCase()} ${path}`, operation] as const,
    ),
  );
  return new Map(routes);
}
