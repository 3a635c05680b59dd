import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { syncedLengthOf } from './trace-redis.ts'

const AOF = '</data/appendonlydir/appendonly.aof.1.incr.aof>'

suite('syncedLengthOf()', () => {
  test('counts what was written before the last sync that ended began', () => {
    const trace = [
      `10 1.000001 write(8${AOF}, ""..., 100) = 100`,
      `10 1.000002 write(9<socket:[7]>, ""..., 5000) = 5000`,
      `11 1.500000 fdatasync(8${AOF} <unfinished ...>`,
      `10 1.500001 write(8${AOF}, ""..., 30) = 30`,
      '11 1.600000 <... fdatasync resumed>) = 0',
      `10 1.700000 write(8${AOF}, ""..., 7 <unfinished ...>`,
      '10 1.700001 <... write resumed>)      = 7',
      `11 2.500000 fdatasync(8${AOF} <unfinished ...>`,
      '+++ killed by SIGKILL +++',
    ]
    assert.deepEqual(syncedLengthOf(trace.join('\n'), 10), { bytes: 110, at: 1500 })
    const ended = [...trace.slice(0, -1), '11 2.600000 <... fdatasync resumed>) = 0'].join('\n')
    assert.deepEqual(syncedLengthOf(ended, 10), { bytes: 147, at: 2500 })
  })

  test('takes a sync that failed, and one of another file, for none', () => {
    const trace = [
      `10 1.000001 write(8${AOF}, ""..., 100) = 100`,
      `10 1.100000 fdatasync(8${AOF}) = -1 EIO (Input/output error)`,
      '10 1.200000 fdatasync(9</data/appendonlydir/appendonly.aof.manifest>) = 0',
    ]
    assert.deepEqual(syncedLengthOf(trace.join('\n'), 0), { bytes: 0, at: 0 })
    trace.push(`10 1.300000 fdatasync(8${AOF}) = 0`)
    assert.deepEqual(syncedLengthOf(trace.join('\n'), 0), { bytes: 100, at: 1300 })
  })
})
