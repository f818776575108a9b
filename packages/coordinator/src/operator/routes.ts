import { OperatorProblem } from '@aitbc/protocol';
import { Type } from 'typebox';
import type { Guards } from '../http/authentication.ts';
import { type App, answers, keyed } from '../http/routes.ts';
import type { ProblemFinder } from './problems.ts';

export function operatorRoutes(
  app: App,
  { problems, guards }: { problems: ProblemFinder; guards: Guards },
): void {
  app.get(
    '/v1/operator/problems',
    {
      config: { costly: 'read' },
      onRequest: guards.admin,
      schema: {
        operationId: 'listProblems',
        summary: 'List what is wrong now, alarms first, and what to do about each, for administrators',
        tags: ['operator'],
        security: keyed,
        response: answers({ 200: Type.Array(OperatorProblem) }, 401, 403),
      },
    },
    async () => await problems.find(),
  );
}
