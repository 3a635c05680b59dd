/**
 * Which part may import which: the arrows of the design, as dependency-cruiser reads them.
 *
 * Import direction is services → shared. Folders that turn bytes into bytes touch nothing that does
 * anything; each driver has one home; Redis is spoken in a few folders, and a service's main.ts joins the
 * parts. Every rule has a file in fixtures/ that breaks it, and `check` fails when one goes unnoticed.
 */

import type { IRegularForbiddenRuleType } from 'dependency-cruiser'

/** Tests, and helpers that only tests may import. */
const TESTS = String.raw`(\.(test|integration-test|e2e-test)\.ts$|/testing/|^shared/test-[^/]+/|^services/test/)`
/** Bytes in, bytes out. */
const PURE = 'envelope|kms-estimate|policy|sigv4|sns-wire|record-mac|endpoint-guard'
const LEAVES = 'errors|clock|framing|config|log|lru-map|metrics|lifecycle'
const SPEAKS_REDIS = 'stream-log|catalog|change-notices|data-keys|kms-ledger|membership|rate-limit|retry-schedule'

/** Take parts of the broker and run them on servers of their own. */
const MEASURES_PARTS = '^loadtest/(loss-windows|kms-months)/'

/** Libraries that are wrapped once. `homes` are regular expressions of folders. */
const DRIVERS: readonly { library: string; homes: readonly string[] }[] = [
  // BullMQ takes a client of its own, with opposite settings: it waits for Redis without end.
  // The benchmark compares with bare drivers.
  { library: 'ioredis', homes: ['^shared/redis/', '^shared/retry-schedule/', '^loadtest/processes/'] },
  { library: 'bullmq', homes: ['^shared/retry-schedule/'] },
  { library: 'pino', homes: ['^shared/log/'] },
  { library: 'prom-client', homes: ['^shared/metrics/'] },
  { library: 'zod', homes: ['^shared/config/'] },
  { library: 'node-forge', homes: ['^shared/pki/'] },
  // The demo and the benchmark are clients of the stack and use what a client would.
  { library: '@aws-sdk/client-kms', homes: ['^shared/kms-client/', '^services/demo/', '^loadtest/'] },
  { library: '@aws-sdk/client-sts', homes: ['^shared/kms-client/'] },
  { library: '@aws-sdk/client-sns', homes: ['^services/demo/', '^loadtest/'] },
  { library: 'sns-validator', homes: ['^services/demo/'] },
  { library: 'undici', homes: ['^services/delivery/', '^services/demo/', '^loadtest/processes/'] },
  { library: 'commander', homes: ['^services/cli/'] },
  { library: '@grafana/grafana-foundation-sdk', homes: ['^deploy/grafana/'] },
]

const rule = (
  name: string,
  comment: string,
  from: IRegularForbiddenRuleType['from'],
  to: IRegularForbiddenRuleType['to'],
) => ({
  name,
  comment,
  severity: 'error' as const,
  from,
  to,
})

export const IMPORT_RULES: readonly IRegularForbiddenRuleType[] = [
  rule('no-cycle', 'Modules that import each other cannot be read one by one.', {}, { circular: true }),
  rule('no-unresolved', 'What is imported must exist.', {}, { couldNotResolve: true }),
  rule(
    'services-are-processes',
    'A service starts another as a process; it never imports it.',
    { path: '^services/([^/]+)/' },
    { path: '^services/', pathNot: '^services/$1/' },
  ),
  rule('shared-below-services', 'shared/ knows no service.', { path: '^shared/' }, { path: '^(services|deploy)/' }),
  rule(
    'deploy-stands-apart',
    'What bootstraps and checks the code uses none of it.',
    { path: '^deploy/', pathNot: '^deploy/grafana/' },
    { path: '^(services|shared)/' },
  ),
  rule(
    'dashboards-know-prices',
    'Dashboards are made of nothing of ours but the price list, which has one home. Bootstrap and checks do without even that.',
    { path: '^deploy/grafana/' },
    { path: '^(services|shared)/', pathNot: String.raw`^shared/kms-estimate/index\.ts$` },
  ),
  rule(
    'nothing-imports-deploy',
    'deploy/ starts and checks things; nothing builds on it.',
    { path: '^services/' },
    { path: '^deploy/' },
  ),
  rule(
    'nothing-imports-loadtest',
    'loadtest/ measures things; nothing builds on it.',
    { path: '^(services|shared|deploy)/' },
    { path: '^loadtest/' },
  ),
  rule(
    'loadtest-from-outside',
    "What is measured runs as processes; of the services only the tests' way to start a stack is used, of deploy the list of what dashboards ask.",
    { path: '^loadtest/' },
    { path: '^(services|deploy)/', pathNot: String.raw`^(services/test/[^/]+|deploy/grafana/expressions)\.ts$` },
  ),
  rule(
    'shared-through-its-index',
    'Another folder is reached as #shared/<folder>, which is its index.ts.',
    { path: '^(services|shared|loadtest)/([^/]+)/' },
    { path: '^shared/', pathNot: ['^$1/$2/', String.raw`^shared/[^/]+/index\.ts$`] },
  ),
  rule(
    'shared-by-alias',
    'Across folders #shared/<folder>, not a relative path.',
    { path: '^(services|shared|loadtest)/([^/]+)/' },
    { path: '^shared/', pathNot: '^$1/$2/', dependencyTypesNot: ['aliased-subpath-import'] },
  ),
  rule(
    'pure-folders-are-pure',
    'Wire formats and cryptography take bytes and give bytes: no socket, no Redis, no clock.',
    { path: `^shared/(${PURE})/`, pathNot: TESTS },
    // A type has no effect, so its home does not matter.
    { pathNot: ['^shared/$1/', '^shared/(errors|framing)/', '^(node:)?crypto$'], dependencyTypesNot: ['type-only'] },
  ),
  rule(
    'leaves-are-leaves',
    'The lowest folders know errors and nothing else of ours.',
    { path: `^shared/(${LEAVES})/` },
    { path: '^shared/', pathNot: ['^shared/$1/', '^shared/errors/'] },
  ),
  rule(
    'redis-is-spoken-in-few-places',
    'Commands to Redis live with the keys they touch; main.ts (in the gateway serve.ts and watch-process.ts, in the CLI with-redis.ts) opens the connection, wait-for-meta.ts waits for it.',
    {
      path: '.',
      // The benchmark's processes load catalogs and are compared with bare drivers.
      pathNot: [
        TESTS,
        MEASURES_PARTS,
        `^shared/(redis|${SPEAKS_REDIS})/`,
        '^loadtest/processes/',
        String.raw`^services/(?!gateway/)[^/]+/(main|wait-for-meta)\.ts$`,
        String.raw`^services/gateway/(serve|watch-process)\.ts$`,
        '^services/cli/with-redis\\.ts$',
      ],
    },
    { path: '^shared/redis/', dependencyTypesNot: ['type-only'] },
  ),
  rule(
    'broker-kms-in-main',
    'What gateways and workers open alike is opened where a gateway or worker is joined together; all else takes the part of it that it needs.',
    { path: '.', pathNot: [TESTS, '^shared/broker-kms/', String.raw`^services/(gateway/serve|delivery/main)\.ts$`] },
    { path: '^shared/broker-kms/' },
  ),
  rule(
    'no-test-imported',
    'A test is run, never imported.',
    {},
    { path: String.raw`\.(test|integration-test|e2e-test)\.ts$` },
  ),
  rule(
    'test-helpers-for-tests',
    'What starts servers for tests must not reach a service.',
    { path: '.', pathNot: [TESTS, MEASURES_PARTS] },
    { path: '(^shared/test-[^/]+/|/testing/)' },
  ),
  ...DRIVERS.map(({ library, homes }) =>
    rule(
      `${library.replace(/^@/, '').replace('/', '-')}-has-one-home`,
      `${library} is wrapped once.`,
      { path: '.', pathNot: [TESTS, ...homes] },
      { path: `(^|/)node_modules/${library}/` },
    ),
  ),
]
