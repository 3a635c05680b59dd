/**
 * Starts a command of this project on a machine that may have nothing but some Node and npm:
 * `node deploy/bootstrap.mjs <command> [arguments]`. Every npm script goes through here.
 *
 * The only plain JavaScript of the project, with the files in bootstrap/: it has to run on any Node
 * from 18 before the dependencies, and with them the Node that runs TypeScript, are there. Progress
 * goes to standard error, one line a step; standard output belongs to the command alone.
 */

import { dirname, join } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { installDependencies } from './bootstrap/install-dependencies.mjs'
import { installProgram } from './bootstrap/install-program.mjs'
import { BootstrapError, step } from './bootstrap/progress.mjs'
import { findNode, runEntry } from './bootstrap/run-entry.mjs'
import { exitOnSignals } from './bootstrap/signals.mjs'
import { PROMETHEUS, REDIS, STRACE, WRK } from './bootstrap/system-programs.mjs'

const root = dirname(dirname(fileURLToPath(import.meta.url)))

/** `needs` looks at what was asked, so that nobody installs a server to read a help text. */
const COMMANDS = {
  up: {
    entry: 'services/up/main.ts',
    help: 'start Redis, the local KMS, a gateway and a worker, until Ctrl-C',
    needs: (args) =>
      asksForHelp(args) || args.includes('--prepare-compose') || process.env.SEALCAST_REDIS_URL ? [] : [REDIS],
    stopsWithUs: true,
  },
  demo: {
    entry: 'services/demo/main.ts',
    help: 'publish to a sealed topic of a running stack and show what Redis holds',
  },
  bench: {
    entry: 'loadtest/bench/main.ts',
    help: 'measure what a message costs, against something bare in the same run; see --help',
    needs: (args) => (asksForHelp(args) ? [] : [REDIS, WRK]),
  },
  loadtest: {
    entry: 'loadtest/main.ts',
    help: 'load a stack of real gateways and workers and report what it did: kms, publish, deliver, fanout, soak; see --help',
    needs: (args) => (asksForHelp(args) ? [] : [REDIS]),
  },
  overload: {
    entry: 'loadtest/overload/main.ts',
    help: 'measure a gateway with more publishers and connections than it can serve',
    needs: (args) => (asksForHelp(args) ? [] : [REDIS]),
  },
  isolation: {
    entry: 'loadtest/isolation/main.ts',
    help: 'measure what a healthy subscriber notices of bad ones beside it',
    needs: (args) => (asksForHelp(args) ? [] : [REDIS]),
  },
  memory: {
    entry: 'loadtest/memory/main.ts',
    help: 'measure what a million messages and a backlog leave in memory',
    needs: (args) => (asksForHelp(args) ? [] : [REDIS]),
  },
  chaos: {
    entry: 'loadtest/chaos/main.ts',
    help: 'kill a worker at a hundred seeded points, restart all under load, and count what is lost; see --help',
    needs: (args) => (asksForHelp(args) ? [] : [REDIS]),
  },
  'kms-months': {
    entry: 'loadtest/kms-months/main.ts',
    help: 'count the KMS requests of whole months on a simulated clock; see --help',
    needs: (args) => (asksForHelp(args) ? [] : [REDIS]),
  },
  'loss-windows': {
    entry: 'loadtest/loss-windows/main.ts',
    help: 'measure what can be lost of what was acknowledged; see --help',
    needs: (args) => (asksForHelp(args) ? [] : [REDIS, STRACE]),
  },
  observability: {
    entry: 'loadtest/observability/main.ts',
    help: 'check rules and alerts, and that every panel and rule has data of a live stack with faults; see --help',
    needs: (args) => (asksForHelp(args) ? [] : args.includes('rules') ? [PROMETHEUS] : [REDIS, PROMETHEUS]),
  },
  sealcast: { entry: 'services/cli/main.ts', help: 'manage principals and more; see --help' },
  test: {
    entry: 'deploy/test/main.ts',
    help: 'run the tests: all, or [unit|integration|e2e] [part of a path]',
    needs: (args) => (asksForHelp(args) || args[0] === 'unit' ? [] : [REDIS]),
  },
  dashboards: {
    entry: 'deploy/grafana/main.ts',
    help: "write the JSON of Grafana's dashboards anew from their sources",
  },
  check: {
    entry: 'deploy/check/main.ts',
    help: 'check types, style, import rules, unused code and certificate checking',
  },
}

const [name = '', ...args] = process.argv.slice(2)
const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined
if (command === undefined) {
  process.stderr.write(usage())
  process.exit(name === '--help' ? 0 : 2)
}

const stopExitingOnSignals = exitOnSignals()
try {
  await step('dependencies', () => installDependencies(root))
  for (const needed of command.needs?.(args) ?? []) await step(needed.program, () => installProgram(root, needed))
  const node = await step('node', () => findNode(root))
  stopExitingOnSignals()
  await runEntry({ root, node, entry: join(root, command.entry), args, stopsWithUs: command.stopsWithUs === true })
} catch (error) {
  if (!(error instanceof BootstrapError)) throw error
  process.stderr.write(`${error.message}\n`)
  process.exitCode = 1
}

function asksForHelp(args) {
  return args.includes('--help') || args.includes('-h')
}

function usage() {
  const lines = Object.entries(COMMANDS).map(([each, { help }]) => `  npm run ${each.padEnd(13)} ${help}`)
  return `Usage: npm run <command> [-- arguments]\n\n${lines.join('\n')}\n`
}
