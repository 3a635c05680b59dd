import assert from 'node:assert/strict'
import { isIP, isIPv6 } from 'node:net'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { contains, parseAddress, parseNetwork } from './address.ts'

suite('parseAddress()', () => {
  for (const [text, family, value] of [
    ['0.0.0.0', 4, 0n],
    ['169.254.169.254', 4, 0xa9fea9fen],
    ['255.255.255.255', 4, 0xffffffffn],
    ['::', 6, 0n],
    ['::1', 6, 1n],
    ['1::', 6, 1n << 112n],
    ['::ffff:169.254.169.254', 6, 0xffff_a9fe_a9fen],
    ['FD00:EC2::254', 6, 0xfd00_0ec2_0000_0000_0000_0000_0000_0254n],
    ['1:2:3:4:5:6:7::', 6, 0x1_0002_0003_0004_0005_0006_0007_0000n],
    ['1:2:3:4:5:6:1.2.3.4', 6, 0x1_0002_0003_0004_0005_0006_0102_0304n],
    ['fe80::1%eth0', 6, (0xfe80n << 112n) | 1n],
    ['::ffff:10.0.0.1%1', 6, 0xffff_0a00_0001n],
  ] as const) {
    test(`reads ${text}`, () => assert.deepEqual(parseAddress(text), { family, value }))
  }

  test('reads what net.isIP takes, and nothing else', () => {
    const piece = fc.oneof(
      fc.integer({ min: 0, max: 300 }).map(String),
      fc.constantFrom('', '00', '01', '0x1', 'ffff', 'g'),
    )
    const text = fc.oneof(
      fc.string(),
      fc.ipV4(),
      fc.ipV6(),
      fc.array(piece, { minLength: 1, maxLength: 5 }).map((parts) => parts.join('.')),
      fc.array(fc.oneof(piece, fc.ipV4()), { minLength: 1, maxLength: 9 }).map((parts) => parts.join(':')),
      fc.tuple(fc.ipV6(), fc.constantFrom('%', '%eth0', '%1', '%a%b', '%lo/64')).map((parts) => parts.join('')),
    )
    fc.assert(
      fc.property(text, (one) => {
        // What net.isIP takes of zone ids is wider than any interface's name; what it refuses stays refused.
        if (one.includes('%')) assert.ok(parseAddress(one) === undefined || isIPv6(one), one)
        else assert.equal(parseAddress(one)?.family ?? 0, isIP(one), one)
      }),
      { numRuns: 2_000 },
    )
  })

  test('reads the same number in every spelling of an IPv6 address', () => {
    fc.assert(
      fc.property(fc.ipV6(), (text) => {
        const canonical = new URL(`http://[${text}]/`).hostname.slice(1, -1)
        assert.deepEqual(parseAddress(text), parseAddress(canonical))
      }),
    )
  })
})

suite('parseNetwork()', () => {
  test('takes a single address for a network of one', () => {
    assert.equal(parseNetwork('10.1.2.3')?.prefixLength, 32)
    assert.equal(parseNetwork('fd00::1')?.prefixLength, 128)
  })

  for (const text of [
    '',
    '/8',
    '10.0.0.0/',
    '10.0.0.0/33',
    'fc00::/129',
    '10.0.0.1/8',
    '10/8',
    'fe80::%eth0/64',
    '::/0 ',
  ]) {
    test(`refuses "${text}"`, () => assert.equal(parseNetwork(text), undefined))
  }
})

suite('contains()', () => {
  test('holds the first and the last address of a network, and neither neighbour', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 1n, max: 0xffff_fffen }), fc.integer({ min: 1, max: 32 }), (value, prefixLength) => {
        const size = 1n << BigInt(32 - prefixLength)
        const first = (value / size) * size
        const network = { address: { family: 4 as const, value: first }, prefixLength }
        const holds = (one: bigint) => contains(network, { family: 4, value: one })
        assert.deepEqual([first - 1n, first, first + size - 1n, first + size].map(holds), [false, true, true, false])
        assert.equal(contains(network, { family: 6, value: first }), false)
      }),
    )
  })
})
