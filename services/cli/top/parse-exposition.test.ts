import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { MAX_SAMPLES, parseExposition } from './parse-exposition.ts'

suite('parseExposition()', () => {
  test('reads names, labels, escapes, values and passes over the rest', () => {
    const { samples, unread } = parseExposition(
      [
        '# HELP a_total Text with "quotes".',
        '# TYPE a_total counter',
        'a_total 3',
        'b{x="1",y="a \\"b\\" \\\\ ,}={"} -1.5e3 1767225600000',
        'c{ le = "+Inf" , } +Inf',
        'd{} NaN',
        '',
      ].join('\n'),
    )
    assert.equal(unread, 0)
    assert.deepEqual(
      samples.map(({ name, labels, value }) => [name, Object.fromEntries(labels), value]),
      [
        ['a_total', {}, 3],
        ['b', { x: '1', y: 'a "b" \\ ,}={' }, -1500],
        ['c', { le: '+Inf' }, Number.POSITIVE_INFINITY],
        ['d', {}, Number.NaN],
      ],
    )
  })

  test('leaves lines out that are none, and counts them', () => {
    const lines = [
      '1a 2',
      'a',
      'a x',
      'a{b="1" 2',
      'a{b=1} 2',
      'a{b="1",b="2"} 2',
      'a 1 2 3',
      'a{b="1"c="2"} 1',
      '<html>',
      'a 0x10',
    ]
    assert.deepEqual(parseExposition([...lines, 'ok 1'].join('\n')), {
      samples: [{ name: 'ok', labels: new Map(), value: 1 }],
      unread: lines.length,
    })
  })

  test('gives nothing on that a terminal would obey', () => {
    const { samples } = parseExposition('a{host="\u001b[2Jx\u009b31m\\ny\u202e\u0007"} 1')
    assert.equal(samples[0]?.labels.get('host'), '?[2Jx?31m?y??')
  })

  test('takes a page that never ends up to its limit', () => {
    const { samples, unread } = parseExposition(`${'a 1\n'.repeat(MAX_SAMPLES + 5)}b{x="${'y'.repeat(20_000)}"} 1\n`)
    assert.deepEqual([samples.length, unread], [MAX_SAMPLES, 6])
  })

  test('reads back whatever is written by the rules, and takes any text', () => {
    const escaped = (text: string) => text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
    const name = fc.stringMatching(/^[a-z_][a-z0-9_]{0,9}$/)
    const value = fc.oneof(fc.double(), fc.integer())
    fc.assert(
      fc.property(name, fc.dictionary(name, fc.string()), value, (name, labels, value) => {
        const pairs = Object.entries(labels).map(([label, text]) => `${label}="${escaped(text)}"`)
        const written = String(value).replace('Infinity', 'Inf')
        const [sample] = parseExposition(`${name}{${pairs.join(',')}} ${written}`).samples
        assert.ok(Object.is(sample?.value, Object.is(value, -0) ? 0 : value))
        assert.deepEqual(
          [...(sample?.labels ?? [])],
          Object.entries(labels).map(([label, text]) => [label, text.replace(/\p{C}/gu, '?')]),
        )
      }),
    )
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        for (const { labels } of parseExposition(text).samples)
          for (const value of labels.values()) assert.doesNotMatch(value, /\p{Cc}/u)
      }),
    )
  })
})
