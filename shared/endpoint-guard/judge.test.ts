import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { readSettings } from '#shared/config'
import { type EndpointNetworks, PUBLIC_ONLY, readEndpointNetworks } from './endpoint-networks.ts'
import { judgeAddress, judgeHost } from './judge.ts'

/** Address → the kind it is refused for when only public addresses are allowed. */
const KINDS = {
  public: [
    '1.1.1.1',
    '9.255.255.255',
    '11.0.0.0',
    '100.63.255.255',
    '100.128.0.0',
    '126.255.255.255',
    '128.0.0.0',
    '169.253.255.255',
    '169.255.0.0',
    '172.15.255.255',
    '172.32.0.0',
    '192.167.255.255',
    '192.169.0.0',
    '198.17.255.255',
    '198.20.0.0',
    '168.63.129.15',
    '223.255.255.255',
    '2606:4700::1111',
    '2001:200::1',
    '2003::1',
    '::ffff:1.1.1.1',
    '::1.1.1.1',
    '::ffff:0:1.1.1.1',
    '64:ff9b::1.1.1.1',
    '2002:101:101::1',
    '2001:0:101:101::fefe:fefe',
  ],
  loopback: [
    '127.0.0.0',
    '127.0.0.1',
    '127.255.255.255',
    '::1',
    '::1%lo',
    '::ffff:127.0.0.1',
    '::127.0.0.1',
    '::ffff:0:127.0.0.1',
    '64:ff9b::7f00:1',
    '2002:7f00:1::',
  ],
  private: [
    '10.0.0.0',
    '10.255.255.255',
    '100.64.0.0',
    '100.127.255.255',
    '172.16.0.0',
    '172.31.255.255',
    '192.168.0.0',
    '192.168.255.255',
    '198.18.0.0',
    '198.19.255.255',
    'fc00::',
    'fdff:ffff::1',
    'fec0::1',
    'feff::1',
    '2001:2::1',
    '64:ff9b:1::1.1.1.1',
    '::ffff:10.0.0.1',
    '2002:a00:1::',
    // Teredo: the client behind it, and the relay.
    '2001:0:101:101::f5ff:fffe',
    '2001:0:a00:1::fefe:fefe',
  ],
  metadata: [
    '169.254.169.254',
    '169.254.170.2',
    '169.254.170.23',
    '100.100.100.200',
    '168.63.129.16',
    '192.0.0.192',
    'fd00:ec2::254',
    'fd00:ec2::23',
    'fd20:ce::254',
    'fd00:c1::a9fe:a9fe',
    'fd00:42::42',
    '::ffff:169.254.169.254',
    '::ffff:a9fe:a9fe',
    '::169.254.169.254',
    '::ffff:0:169.254.169.254',
    '64:ff9b::a9fe:a9fe',
    '2002:a9fe:a9fe::',
    '2001:0:101:101::5601:5601',
  ],
  'link-local': ['169.254.0.0', '169.254.255.255', 'fe80::1', 'fe80::a9fe:a9fe%eth0', 'febf::1', '::ffff:169.254.1.1'],
  unspecified: ['0.0.0.0', '0.255.255.255', '::', '::2', '::ffff:0.0.0.0', '64:ff9b::'],
  multicast: ['224.0.0.1', '239.255.255.255', 'ff02::1', '::ffff:224.0.0.1'],
  documentation: ['192.0.2.1', '198.51.100.1', '203.0.113.1', '2001:db8::1', '3fff::1', '3fff:fff::1'],
  reserved: [
    '192.0.0.1',
    '192.88.99.1',
    '240.0.0.1',
    '255.255.255.255',
    '100::1',
    '5f00::1',
    '4000::1',
    '2001:10::1',
    '64:ff9b:2::1',
    '::1:0:0:1',
    'fe00::1',
  ],
  unreadable: ['', 'localhost', '0x7f.1', '127.1', '2130706433', '010.0.0.1', '1.2.3', '1::2::3', '[::1]', '%eth0'],
} as const

const EVERYTHING_ALLOWED = networksOf('loopback,private')

suite('judgeAddress()', () => {
  for (const [kind, addresses] of Object.entries(KINDS)) {
    test(`tells ${kind} addresses from the others`, () => {
      for (const address of addresses) {
        assert.equal(judgeAddress(address, PUBLIC_ONLY) ?? 'public', kind, address)
      }
    })
  }

  test('allows loopback and private addresses where the setting says so, and nothing more', () => {
    for (const [kind, addresses] of Object.entries(KINDS)) {
      for (const address of addresses) {
        const isConfigurable = kind === 'loopback' || kind === 'private'
        const expected = isConfigurable || kind === 'public' ? undefined : kind
        assert.equal(judgeAddress(address, EVERYTHING_ALLOWED), expected, address)
      }
    }
    assert.equal(judgeAddress('127.0.0.1', networksOf('loopback')), undefined)
    assert.equal(judgeAddress('10.0.0.1', networksOf('loopback')), 'private')
    assert.equal(judgeAddress('127.0.0.1', networksOf('private')), 'loopback')
  })

  test('allows exactly the networks that are named', () => {
    const networks = networksOf('10.1.0.0/16, 127.0.0.2, fd12::/16, 100.64.0.0/10')
    for (const address of ['10.1.0.0', '10.1.255.255', '127.0.0.2', 'fd12::1', '100.100.100.201', '::ffff:10.1.2.3']) {
      assert.equal(judgeAddress(address, networks), undefined, address)
    }
    for (const address of ['10.2.0.0', '10.0.255.255', '127.0.0.1', 'fd13::1', '192.168.0.1', '::ffff:10.2.0.1']) {
      assert.notEqual(judgeAddress(address, networks), undefined, address)
    }
    assert.equal(judgeAddress('100.100.100.200', networks), 'metadata')
  })

  test('judges an IPv4 address alike in every IPv6 form that carries it', () => {
    fc.assert(
      fc.property(ipv4(), fc.constantFrom(PUBLIC_ONLY, EVERYTHING_ALLOWED), (bytes, networks) => {
        const hex = Buffer.from(bytes)
          .toString('hex')
          .replace(/(....)(....)/, '$1:$2')
        const inverted = Buffer.from(bytes.map((byte) => 255 - byte))
          .toString('hex')
          .replace(/(....)(....)/, '$1:$2')
        const expected = judgeAddress(bytes.join('.'), networks)
        for (const form of [
          `::ffff:${bytes.join('.')}`,
          `::ffff:${hex}`,
          `::ffff:0:${hex}`,
          `64:ff9b::${hex}`,
          `2002:${hex}::1`,
          `2001:0:${hex}::fefe:fefe`,
          `2001:0:101:101::${inverted}`,
        ]) {
          assert.equal(judgeAddress(form, networks), expected, form)
        }
      }),
      { numRuns: 1_000 },
    )
  })

  test('finds an IPv4 address wherever a NAT64 of a network’s own may put it', () => {
    for (const address of [
      '64:ff9b:1::a9fe:a9fe',
      '64:ff9b:1:0:a9:fea9:fe00:0',
      '64:ff9b:1:a9:fe:a9fe::',
      '64:ff9b:1:a9fe:a9:fe00::',
    ]) {
      assert.notEqual(judgeAddress(address, EVERYTHING_ALLOWED), undefined, address)
    }
    assert.equal(judgeAddress('64:ff9b:1::8.8.8.8', EVERYTHING_ALLOWED), undefined)
    assert.equal(judgeAddress('64:ff9b:1::8.8.8.8', networksOf('64:ff9b:1::/96')), undefined)
    assert.equal(judgeAddress('64:ff9b:1::10.0.0.1', networksOf('64:ff9b:1::/96')), 'private')
  })
})

suite('judgeHost()', () => {
  /** Every way to write 169.254.169.254 that a URL parser reads as an address. */
  const spellings = [
    '169.254.169.254',
    '169.254.169.254.',
    '2852039166',
    '0xA9FEA9FE',
    '0xa9.0xfe.0xa9.0xfe',
    '0251.0376.0251.0376',
    '025177524776',
    '0251.254.0xa9.254',
    '169.254.43518',
    '169.16689662',
    '0xA9FEA9FE.',
    '%31%36%39.254.169.254',
    '１６９．２５４．１６９．２５４',
    '①⑥⑨。②⑤④。①⑥⑨。②⑤④',
    '[::ffff:169.254.169.254]',
    '[::FFFF:A9FE:A9FE]',
    '[0:0:0:0:0:ffff:a9fe:a9fe]',
    '[::169.254.169.254]',
    '[64:ff9b::169.254.169.254]',
    '[2002:a9fe:a9fe::]',
    '[fd00:ec2::254]',
    '[FD00:0EC2:0:0:0:0:0:254]',
  ]
  for (const host of spellings) {
    test(`refuses http://${host}/ whatever is allowed`, () => {
      const { hostname } = new URL(`http://${host}/`)
      assert.equal(judgeHost(hostname, EVERYTHING_ALLOWED), 'metadata')
    })
  }

  test('finds an address in every spelling of it that the URL parser reads', () => {
    fc.assert(
      fc.property(
        ipv4(),
        fc.array(fc.constantFrom(8, 10, 16), { minLength: 4, maxLength: 4 }),
        fc.integer({ min: 1, max: 4 }),
        (bytes, bases, parts) => {
          const { hostname } = new URL(`http://${spell(bytes, bases, parts)}/`)
          assert.equal(hostname, bytes.join('.'))
          assert.equal(judgeHost(hostname, PUBLIC_ONLY), judgeAddress(bytes.join('.'), PUBLIC_ONLY))
        },
      ),
      { numRuns: 1_000 },
    )
  })

  test('leaves no host of digits and dots, and none with a colon, unjudged', () => {
    // What a resolver would take for an address (inet_aton) must never pass for a name.
    fc.assert(
      fc.property(fc.stringMatching(/^[0-9a-fA-FxX.]{1,24}$/), (text) => {
        const url = URL.parse(`http://${text}/`)
        if (url === null) return
        const last = url.hostname.replace(/\.$/, '').split('.').at(-1) ?? ''
        const looksNumeric = /^(\d+|0x[0-9a-f]*)$/.test(last)
        assert.equal(looksNumeric, /^\d+\.\d+\.\d+\.\d+$/.test(url.hostname), url.hostname)
      }),
      { numRuns: 2_000 },
    )
  })

  test('has zone ids refused by the URL parser', () => {
    for (const host of ['[fe80::1%eth0]', '[fe80::1%25eth0]']) assert.equal(URL.parse(`http://${host}/`), null)
  })

  test('knows the names of the machine itself, and judges no other name', () => {
    for (const name of ['localhost', 'localhost.', 'hooks.localhost']) {
      assert.equal(judgeHost(new URL(`http://${name}/`).hostname, PUBLIC_ONLY), 'loopback', name)
      assert.equal(judgeHost(new URL(`http://${name}/`).hostname, networksOf('loopback')), undefined)
      assert.equal(judgeHost(new URL(`http://${name}/`).hostname, networksOf('127.0.0.1')), undefined)
    }
    for (const name of ['example.com', 'notlocalhost', 'localhost.example.com', 'a.10.example']) {
      assert.equal(judgeHost(new URL(`http://${name}/`).hostname, PUBLIC_ONLY), undefined, name)
    }
  })
})

suite('readEndpointNetworks()', () => {
  test('allows public addresses alone unless told otherwise', () => {
    for (const value of ['', 'public']) assert.deepEqual(networksOf(value), PUBLIC_ONLY)
  })

  for (const item of [
    '169.254.0.0/16',
    '169.254.169.254',
    'fe80::/10',
    '100.100.100.200',
    'fd00:ec2::254',
    '0.0.0.0/0',
    '::/0',
    '0.0.0.0/8',
    '8.8.8.0/24',
    '2000::/3',
    '::ffff:10.0.0.0/104',
    '224.0.0.0/4',
    '10.0.0.0/7',
    '10.0.0.1/8',
    'Loopback',
    'localhost',
    'any',
    '10.0.0.0/33',
  ]) {
    test(`refuses ${item}`, () => {
      assert.throws(() => networksOf(`loopback,${item}`), {
        code: 'CONFIG_INVALID',
        message: /SEALCAST_ENDPOINT_NETWORKS/,
      })
    })
  }
})

function networksOf(value: string): EndpointNetworks {
  return readSettings({ SEALCAST_ENDPOINT_NETWORKS: value }, readEndpointNetworks)
}

/** Four bytes, more often than not of an address that something is known about. */
function ipv4(): fc.Arbitrary<number[]> {
  const known = Object.values(KINDS)
    .flat()
    .filter((address) => /^\d+\.\d+\.\d+\.\d+$/.test(address) && !address.startsWith('0'))
    .map((address) => address.split('.').map(Number))
  const byte = fc.integer({ min: 0, max: 255 })
  return fc.oneof(fc.constantFrom(...known), fc.array(byte, { minLength: 4, maxLength: 4 }))
}

/** inet_aton's grammar: up to four parts, each in a base of its own, the last holding all bytes that are left. */
function spell(bytes: readonly number[], bases: readonly number[], parts: number): string {
  const last = bytes.slice(parts - 1).reduce((value, byte) => value * 256 + byte, 0)
  return [...bytes.slice(0, parts - 1), last]
    .map((value, index) => {
      const base = bases[index] ?? 10
      return `${base === 16 ? '0x' : base === 8 ? '0' : ''}${value.toString(base)}`
    })
    .join('.')
}
