const MODULES =
  'accounts|audit|batches|explorer|files|grants|invitations|jobs|ledger|limits|metrics|miners|receipts|tracing|usage|web|webhooks';

/** Tests of components stand beside them. */
const BESIDE = '\\.test\\.ts$';

/** The behaviours of jobs. Each may import the ones before it. */
const BEHAVIOURS = ['scheduling', 'leases', 'submitting', 'streaming', 'replication', 'maintenance'];

/** A package's sources may import only these packages of ours. */
const PACKAGES = {
  protocol: [],
  tlog: [],
  evidence: [],
  receipts: ['protocol', 'tlog'],
  sdk: ['protocol', 'tlog', 'receipts'],
  tracing: [],
  coordinator: ['protocol', 'tlog', 'receipts', 'evidence', 'tracing'],
  miner: ['protocol', 'receipts', 'sdk', 'evidence', 'tracing'],
  witness: ['tlog'],
  web: ['protocol', 'tlog', 'receipts', 'sdk', 'evidence'],
  cli: ['protocol', 'tlog', 'receipts', 'sdk', 'evidence', 'coordinator', 'miner', 'tracing', 'witness'],
};

const packageArrows = Object.entries(PACKAGES).map(([name, allowed]) => ({
  name: `package-${name}`,
  comment: `${name} imports of ours: ${allowed.join(', ') || 'nothing'}.`,
  severity: 'error',
  from: { path: `^packages/${name}/(src|bin)`, pathNot: BESIDE },
  to: { path: '^packages/', pathNot: `^packages/(${[name, ...allowed].join('|')})/` },
}));

/** The browser has no Node: what runs there must not ask for it. */
const isomorphic = ['protocol', 'tlog', 'evidence', 'receipts', 'sdk', 'web'].map(name => ({
  name: `isomorphic-${name}`,
  severity: 'error',
  from: { path: `^packages/${name}/src`, pathNot: BESIDE },
  to: { dependencyTypes: ['core'] },
}));

const inCoordinator = path => `^packages/coordinator/src/${path}`;

const behaviourArrows = BEHAVIOURS.map((name, index) => ({
  name: `jobs-${name}`,
  comment:
    'A behaviour of jobs imports those before it in the list. What follows from a change subscribes to it.',
  severity: 'error',
  from: { path: inCoordinator(`jobs/${name}/`) },
  to: {
    path: inCoordinator(`jobs/(${BEHAVIOURS.slice(index + 1).join('|') || 'none'})/`),
    pathNot: 'options\\.ts$',
  },
}));

export default {
  forbidden: [
    ...packageArrows,
    ...isomorphic,
    ...behaviourArrows,
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'no-undeclared-dependency',
      severity: 'error',
      from: { path: '^packages/[^/]+/src', pathNot: BESIDE },
      to: { dependencyTypes: ['npm-no-pkg', 'npm-unknown', 'unknown'] },
    },
    {
      name: 'tests-stay-out',
      comment: 'Sources never import tests.',
      severity: 'error',
      from: { path: '^packages/[^/]+/src', pathNot: BESIDE },
      to: { path: '/test/' },
    },
    {
      name: 'examples-use-what-users-have',
      severity: 'error',
      from: { path: '^examples/', pathNot: '\\.test\\.ts$' },
      to: { path: '^packages/', pathNot: '^packages/(sdk|receipts)/src/index\\.ts$' },
    },
    {
      name: 'queries-are-private',
      comment: 'A module reaches another through its rules, never its queries.',
      severity: 'error',
      from: { path: inCoordinator('([^/]+)/') },
      to: { path: inCoordinator(`(${MODULES})/.*queries\\.ts$`), pathNot: inCoordinator('$1/') },
    },
    {
      name: 'routes-are-outermost',
      comment: "Only a module's own description knows its routes.",
      severity: 'error',
      from: { path: inCoordinator(''), pathNot: 'module\\.ts$' },
      to: { path: inCoordinator('.+routes\\.ts$'), pathNot: inCoordinator('http/') },
    },
    {
      name: 'routes-do-not-query',
      comment: 'routes → rules → queries → store.',
      severity: 'error',
      from: { path: inCoordinator(`(${MODULES})/.*routes\\.ts$`) },
      to: { path: inCoordinator(`(${MODULES})/.*queries\\.ts$`) },
    },
    {
      name: 'descriptions-are-outermost',
      comment: 'Rules know no descriptions of modules, and no list of them: what they need is given to them.',
      severity: 'error',
      from: { path: inCoordinator('.+/'), pathNot: 'module\\.ts$' },
      to: {
        path: inCoordinator('(.+/module|modules|operations|config|create-modules)\\.ts$'),
      },
    },
    {
      name: 'store-knows-no-module',
      severity: 'error',
      from: { path: inCoordinator('store/') },
      to: { path: inCoordinator(''), pathNot: inCoordinator('(store/|(option|errors)\\.ts$)') },
    },
    {
      name: 'engines-are-behind-the-store',
      severity: 'error',
      from: { path: inCoordinator(''), pathNot: inCoordinator('store/') },
      to: { path: inCoordinator('store/(sqlite|postgres|cache)/') },
    },
    {
      name: 'rules-know-no-http',
      comment: 'Rules and queries work without a request.',
      severity: 'error',
      from: {
        path: inCoordinator(`(${MODULES}|gateway)/`),
        pathNot: [
          'routes\\.ts$',
          'module\\.ts$',
          inCoordinator('gateway/(error-handler|responses|idempotency)\\.ts$'),
        ],
      },
      to: { path: ['^packages/coordinator/src/http/', 'node_modules/fastify/'] },
    },
    {
      name: 'shared-parts-know-no-module',
      comment: 'What describes, creates and stores modules knows none of them, but for the list itself.',
      severity: 'error',
      from: { path: inCoordinator('(define-module|errors|ids|option|json|networks|readiness)\\.ts$') },
      to: { path: inCoordinator(`(${MODULES}|gateway)/`) },
    },
    {
      name: 'job-rules-know-no-behaviour',
      comment: 'What all behaviours of jobs share knows none of them.',
      severity: 'error',
      from: { path: inCoordinator('jobs/[^/]+\\.ts$') },
      to: { path: inCoordinator('jobs/[^/]+/'), pathNot: 'options\\.ts$' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^packages/[^/]+/dist/' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'types', 'default'] },
    tsConfig: { fileName: 'tsconfig.json' },
  },
};
