import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { parseMachineTicks, parseResidentBytes, parseStat, startMeter } from './process-usage.ts'

suite('parseStat()', () => {
  test('sums user and system time, whatever the program is called', () => {
    for (const name of ['node', 'a b', 'x) 1 2 (y', ')']) {
      const text = `42 (${name}) S 1 42 42 0 -1 4194560 5000 6000 0 0 311 89 7 5 20 0 11 0 1000 1000000 2000 18446744073709551615`
      assert.deepEqual(parseStat(text), { ticks: 400, childTicks: 12 }, name)
    }
  })

  test('refuses what is no stat', () => {
    for (const text of ['', '42 (node) S 1', 'x']) assert.throws(() => parseStat(text), /no number/)
  })
})

suite('parseResidentBytes()', () => {
  test('reads VmRSS, not VmHWM', () => {
    assert.equal(parseResidentBytes('Name:\tnode\nVmHWM:\t  900 kB\nVmRSS:\t  512 kB\nRssAnon:\t 1 kB\n'), 512 * 1024)
    assert.throws(() => parseResidentBytes('Name:\tkthreadd\n'), /no VmRSS/)
  })
})

suite('parseMachineTicks()', () => {
  test('leaves out idle, waiting and guest time', () => {
    assert.equal(parseMachineTicks('cpu  10 1 20 5000 300 2 3 4 50 60\ncpu0 1 1 1 1 1 1 1 1 1 1\n'), 40)
  })
})

suite('startMeter()', () => {
  test('sees this process spin, and sums processes of one name', () => {
    const meter = startMeter([
      ['spinner', process.pid],
      ['spinner', process.pid],
    ])
    const until = performance.now() + 300
    const spentBefore = process.cpuUsage()
    while (performance.now() < until);
    const spent = process.cpuUsage(spentBefore)
    const [spinner, machine] = meter.stop()
    // Others may use the machine meanwhile, so that it is compared with what we did get.
    const cores = (2 * (spent.user + spent.system)) / 1e6 / 0.3
    assert.ok(spinner !== undefined && machine !== undefined)
    assert.ok(Math.abs(spinner.cores - cores) < 0.25, `${spinner.cores} instead of ${cores}`)
    assert.ok(spinner.residentBytes > 2 * 20e6)
    assert.equal(machine.name, 'machine')
  })
})
