/**
 * `npm run loadtest -- <test> [options]`: puts a load on a stack of real gateways and workers and reports what it did.
 *
 * Progress goes to standard error, the report to standard output and to the files asked for. Status 0: passed;
 * 1: failed or invalid, with the reasons; 2: not understood; 130: ended before the load began.
 */

import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join, relative } from 'node:path'
import { describeMachine } from './harness/machine.ts'
import type { LoadTest } from './load-test.ts'
import { LOAD_TESTS } from './load-tests.ts'
import { createProgress } from './progress.ts'
import { formatTerminal } from './report/format-terminal.ts'
import { type LoadReport, type LoadResult, REPORT_SCHEMA } from './report/load-report.ts'
import { paintTerminal } from './report/paint-terminal.ts'
import { showCommand } from './report/show-command.ts'
import { keepReport, writeHtml, writeJson } from './report/write-report.ts'
import { formatHelp, formatTestHelp } from './settings/format-help.ts'
import { OUTPUT_SETTINGS } from './settings/output-settings.ts'
import { parseFlags, readSettings, SettingsError } from './settings/read-settings.ts'
import { listenForStop } from './stop-signals.ts'

const root = dirname(import.meta.dirname)

// What a sourced data directory sets must not change what is measured; a test against AWS needs what AWS's tools use.
const awsEnvironment = Object.fromEntries(
  Object.entries(process.env).flatMap(([name, value]) =>
    name.startsWith('AWS_') && value !== undefined ? [[name, value]] : [],
  ),
)
for (const name of Object.keys(process.env)) {
  if (/^(AWS_|SEALCAST_|NODE_OPTIONS$|NODE_EXTRA_CA_CERTS$|SSL_CERT_FILE$)/.test(name)) delete process.env[name]
}

process.exitCode = await main(process.argv.slice(2))

async function main([name = '', ...args]: readonly string[]): Promise<number> {
  const asksForHelp = (text: string) => text === '--help' || text === '-h'
  const test = LOAD_TESTS.find((each) => each.name === name)
  if (asksForHelp(name) || (test !== undefined && args.some(asksForHelp))) {
    process.stdout.write(test === undefined ? formatHelp(LOAD_TESTS) : formatTestHelp(test))
    return 0
  }
  if (test === undefined)
    return refuse(name === '' ? 'Which test?' : `There is no test ${name}`, formatHelp(LOAD_TESTS))
  if (process.platform !== 'linux') return refuse('Load tests read /proc and so run on Linux only')
  try {
    return await runTest(test, args)
  } catch (error) {
    if (error instanceof SettingsError) return refuse(`${error.message}\n\nSee npm run loadtest -- ${name} --help`)
    throw error
  }
}

async function runTest(test: LoadTest, args: readonly string[]): Promise<number> {
  const flags = parseFlags(args)
  const own = new Map([...flags].filter(([flag]) => !Object.hasOwn(OUTPUT_SETTINGS, flag)))
  const common = new Map([...flags].filter(([flag]) => Object.hasOwn(OUTPUT_SETTINGS, flag)))
  const output = readSettings(OUTPUT_SETTINGS, { test: test.name, flags: common })
  const scenario = output.scenario === '' ? undefined : readScenario(output.scenario)
  const values = readSettings(test.settings, { test: test.name, flags: own, scenario })

  const folder = mkdtempSync(join(tmpdir(), 'sealcast-loadtest-'))
  const clean = () => rmSync(folder, { recursive: true, force: true })
  process.on('exit', clean)
  const progress = createProgress(process.stderr)
  const signal = listenForStop(() =>
    progress.say('Ending in order: counting what is under way. Once more ends at once.'),
  )

  const startedAt = new Date().toISOString()
  const machine = await describeMachine(root)
  const began = performance.now()
  let result: LoadResult
  try {
    result = await test.run(values, { folder, signal, progress, awsEnvironment })
  } catch (error) {
    if (!signal.aborted) throw error
    // What was being set up was taken down again; there is nothing to report.
    progress.say(error instanceof Error ? error.message : String(error))
    return 130
  } finally {
    progress.stop()
  }
  const report: LoadReport = {
    schema: REPORT_SCHEMA,
    test: test.name,
    command: showCommand(['npm', 'run', 'loadtest', '--', test.name, ...args]),
    startedAt,
    seconds: (performance.now() - began) / 1000,
    machine,
    ...result,
  }
  const text = formatTerminal(report)
  process.stdout.write(process.stdout.isTTY ? paintTerminal(text) : text)
  if (output.json !== '') writeJson(report, output.json)
  if (output.html !== '') writeHtml(report, output.html)
  if (output.keep) {
    const kept = output.scenario === '' ? test.name : basename(output.scenario, '.json')
    progress.say(`kept as ${keepReport(report, kept, join(root, 'loadtest', 'results'))}.{html,json,txt}`)
  }
  return report.verdict.outcome === 'passed' ? 0 : 1
}

/** @param named a file, or the name of one that is shipped */
function readScenario(named: string): { file: string; content: unknown } {
  const shipped = join(root, 'loadtest', 'scenarios', `${named}.json`)
  const file = /^[\w-]+$/.test(named) && existsSync(shipped) ? shipped : named
  return { file: relative(process.cwd(), file), content: readJson(file) }
}

function readJson(file: string): unknown {
  let content: string
  try {
    content = readFileSync(file, 'utf8')
  } catch (error) {
    throw new SettingsError([`${file}: cannot be read: ${(error as Error).message}`])
  }
  try {
    return JSON.parse(content)
  } catch (error) {
    throw new SettingsError([`${file}: is no JSON: ${(error as Error).message}`])
  }
}

function refuse(reason: string, help = ''): number {
  process.stderr.write(`${reason}\n${help === '' ? '' : `\n${help}`}`)
  return 2
}
