import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { parseArguments } from './parse-arguments.ts'

suite('parseArguments()', () => {
  test('takes the number of gateways and workers, in either form', () => {
    assert.deepEqual(parseArguments([]), { kind: 'run', settings: {} })
    assert.deepEqual(parseArguments(['--workers', '0']), { kind: 'run', settings: { SEALCAST_WORKERS: '0' } })
    assert.deepEqual(parseArguments(['--gateways', '2', '--workers=16']), {
      kind: 'run',
      settings: { SEALCAST_GATEWAYS: '2', SEALCAST_WORKERS: '16' },
    })
  })

  test('gives help whatever else is there', () => {
    for (const args of [['--help'], ['-h'], ['--workers', '2', '--help']]) {
      assert.deepEqual(parseArguments(args), { kind: 'help' })
    }
  })

  for (const args of [
    ['--gateway', '2'],
    ['--gateways'],
    ['--gateways', '--workers', '2'],
    ['--gateways='],
    ['--gateways', '0'],
    ['--gateways', '33'],
    ['--workers', '-1'],
    ['--workers', '33'],
    ['--workers', '1e1'],
    ['--workers', '2.5'],
    ['--no-workers'],
    ['2'],
    ['-x'],
    ['--secret=hunter2'],
    ['--toString'],
    ['--', 'x'],
  ]) {
    test(`refuses ${args.join(' ')} in one line that does not repeat a value`, () => {
      const parsed = parseArguments(args)
      assert.ok(parsed.kind === 'refused')
      assert.match(parsed.text, /^[^\n]{10,120}$/)
      assert.doesNotMatch(parsed.text, /hunter2/)
    })
  }
})
